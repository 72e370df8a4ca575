"""Reading data does not import TensorFlow; batches of tensors do."""

import subprocess
import sys


def test_importing_and_reading_do_not_import_tensorflow(corpus):
    script = (
        "import sys, boulder.data as d\n"
        "reader = d.open_dataset(sys.argv[1])\n"
        "d.read_batch(reader, d.form_batches(d.sequence_order('random', reader.lengths['data'], 1, 1), reader.lengths, 9)[0])\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(corpus(5).path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

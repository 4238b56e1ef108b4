"""`python -m goaltrace`: the same as the command `goaltrace`."""

import sys

from goaltrace.cli import main

sys.exit(main())

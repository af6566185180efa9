"""gone.py - install.gone: takes away what install.place has installed."""
import shutil

from installed import main


def gone(scratch):
    shutil.rmtree(scratch)
    return "taken away"


main(gone)

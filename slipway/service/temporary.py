"""The folder for temporary files, which a server needs: uploads of more than a megabyte are kept there while they are read."""

import logging
import tempfile

from slipway.errors import SlipwayError

SHARED_MEMORY = "/dev/shm"  # noqa: S108 (whatever is made in it is ours alone)

log = logging.getLogger("bentoml")


def find_temporary_folder() -> None:
    """Have this process use a folder for temporary files that can be written to: that in memory, if no other can be.

    A worker starts anew on a disk that has turned read-only: BentoML makes a folder in each.

    Raises
    ------
    SlipwayError
        If none can be written to.
    """
    for folder in (None, SHARED_MEMORY):
        try:
            with tempfile.TemporaryDirectory(dir=folder):
                if folder:
                    tempfile.tempdir = folder
                    log.warning("temporary files are kept in %s, as they can be written nowhere else", folder)
                return
        except OSError:
            continue
    raise SlipwayError(
        "no folder for temporary files can be written to (/tmp, /var/tmp, /dev/shm, the working directory); mount one at /tmp, "
        "or name one in TMPDIR"
    )

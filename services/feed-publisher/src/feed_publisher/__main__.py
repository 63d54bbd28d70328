"""`python -m feed_publisher api | worker | all | migrate | replay`."""

import gc

gc.disable()  # what modules make stays: `main` looks for garbage again

from common.service import main  # noqa: E402 - see above
from feed_publisher.app import SERVICE  # noqa: E402 - see above

main(SERVICE)

"""`python -m auth_service api | worker | all | migrate | replay`."""

import gc

gc.disable()  # what modules make stays: `main` looks for garbage again

from auth_service.app import SERVICE  # noqa: E402 - see above
from common.service import main  # noqa: E402 - see above

main(SERVICE)

"""`python -m catalog_service api | worker | all | migrate | replay | positions reset`."""

import gc

gc.disable()  # what modules make stays: `main` looks for garbage again

from catalog_service.app import SERVICE  # noqa: E402 - see above
from common.service import main  # noqa: E402 - see above

if __name__ == "__main__":
    main(SERVICE)

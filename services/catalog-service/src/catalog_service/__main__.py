"""`python -m catalog_service api | worker | all | migrate | replay | positions reset`."""

from catalog_service.app import SERVICE
from common.service import main

if __name__ == "__main__":
    main(SERVICE)

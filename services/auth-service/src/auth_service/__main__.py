"""`python -m auth_service api | worker | all | migrate | replay`."""

from auth_service.app import SERVICE
from common.service import main

main(SERVICE)

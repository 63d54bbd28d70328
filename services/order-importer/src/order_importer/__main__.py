"""`python -m order_importer api | worker | all | migrate | replay`."""

from common.service import main
from order_importer.app import SERVICE

main(SERVICE)

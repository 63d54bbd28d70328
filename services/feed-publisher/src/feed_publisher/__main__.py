"""`python -m feed_publisher api | worker | all | migrate | replay`."""

from common.service import main
from feed_publisher.app import SERVICE

main(SERVICE)

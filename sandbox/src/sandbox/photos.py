"""The photo bank: pictures a seller uploaded, and the addresses they got."""

import hashlib

import msgspec


class Photo(msgspec.Struct):
    """One uploaded picture."""

    id: int
    seller_id: str
    file_name: str
    size_bytes: int
    address: str


class PhotoBank:
    """Pictures by their address."""

    def __init__(self, photos: dict[str, Photo], base_url: str) -> None:
        self._photos = photos
        self._base_url = base_url

    def store(self, seller_id: str, identity: int, file_name: str, content: bytes) -> Photo:
        """Keep a picture; the same content has the same address."""
        name = hashlib.sha256(content).hexdigest()[:34]
        address = f"{self._base_url}/kf/S{name}/{seller_id}.jpg"
        photo = Photo(identity, seller_id, file_name, len(content), address)
        self._photos[address] = photo
        return photo

    def used_bytes(self, seller_id: str) -> int:
        """How much a seller's pictures take."""
        return sum(
            photo.size_bytes for photo in self._photos.values() if photo.seller_id == seller_id
        )

    def is_address(self, path: str) -> bool:
        """Whether a picture of anyone lies under this path of the sandbox."""
        return path.startswith("/kf/") and f"{self._base_url}{path}" in self._photos

    def has(self, seller_id: str, address: str) -> bool:
        """Whether an address is a picture of this seller's bank."""
        photo = self._photos.get(address)
        return photo is not None and photo.seller_id == seller_id

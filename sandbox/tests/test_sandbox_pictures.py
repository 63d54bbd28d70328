"""What the photo bank reports of a picture."""

import hashlib
from typing import Any

import pytest

from sandbox.pictures import draw, measure

JFIF = "ffe000104a46494600010100000100010000"
HUFFMAN_TABLE = "ffc40005aabbcc"
FRAME = "ffc0001108025803200301220002110103110100"  # 600 high, 800 wide
JPEG = bytes.fromhex("ffd8" + JFIF + HUFFMAN_TABLE + FRAME)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (draw("clock"), (800, 800)),
        (b"GIF89a\x20\x03\x58\x02\x00", (800, 600)),
        (JPEG, (800, 600)),
        (draw("clock")[:20], None),
        (JPEG[:30], None),
        (b"\xff\xd8", None),
        (b"<html></html>", None),
        (b"", None),
    ],
    ids=["png", "gif", "jpeg", "cut png", "cut jpeg", "jpeg's first bytes", "html", "nothing"],
)
def test_a_picture_is_measured(content: bytes, size: tuple[int, int] | None) -> None:
    assert measure(content) == size


def upload(sandbox: Any, content: bytes) -> Any:
    sent = sandbox.signed(
        "aliexpress.photobank.redefining.uploadimageforsdk", {"file_name": "clock.png"}
    )
    line = hashlib.sha256(content).hexdigest()
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in sent.items()
    ]
    head = f'--{line}\r\nContent-Disposition: form-data; name="image_bytes"; filename="a.png"\r\n'
    body = b"".join(parts) + head.encode() + b"Content-Type: image/png\r\n\r\n" + content
    kind = {"Content-Type": f"multipart/form-data; boundary={line}"}
    answer = sandbox.request("POST", "/sync", body + f"\r\n--{line}--\r\n".encode(), kind).json()
    return answer["aliexpress_photobank_redefining_uploadimageforsdk_response"]["result"]


def test_the_photo_bank_reports_a_pictures_size_and_its_own(sandbox: Any) -> None:
    first = upload(sandbox, draw("clock"))
    assert (first["is_success"], first["status"]) == (True, "SUCCESS")
    assert (first["width"], first["height"]) == (800, 800)
    for number in range(6):
        last = upload(sandbox, b"x" * 100_000 + bytes([number]))
    assert "width" not in last
    assert float(last["photobank_used_size"]) == pytest.approx(0.57, abs=0.02)
    assert float(last["photobank_total_size"]) > float(last["photobank_used_size"])

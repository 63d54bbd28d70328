"""Certificates of the local Kafka: an authority of its own, and one for the broker."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from stack.ports import LOOPBACK
from stack.private_files import write_private

BROKER = "channel-kafka"
"""The common name of the broker's certificate: as whom it comes to itself."""
VALID_FOR = timedelta(days=3650)


def make_certificates(folder: Path) -> None:
    """Write the authority's certificate and the broker's with its key into `folder`, once."""
    folder.mkdir(parents=True, exist_ok=True)
    if broker_file(folder).exists():
        return
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _of_broker(key, authority, authority_key)
    authority_file(folder).write_bytes(authority.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # nobody signs with the authority's key again: it is not kept
    write_private(
        broker_file(folder),
        (private + certificate.public_bytes(Encoding.PEM)).decode(),
    )


def authority_file(folder: Path) -> Path:
    """What clients verify the broker by."""
    return folder / "authority.pem"


def broker_file(folder: Path) -> Path:
    """The broker's key and certificate, for its owner alone."""
    return folder / "broker.pem"


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _named("AliExpress Channel local authority")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _begin(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _of_broker(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    hosts = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address(LOOPBACK))]
    )
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _begin(_named(BROKER), authority.subject, key.public_key())
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(issuer_key, critical=False)
        .sign(authority_key, SHA256())
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    # TLS goes by the machine's clock, whatever the installation's says
    begins = datetime.now(UTC) - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + VALID_FOR)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

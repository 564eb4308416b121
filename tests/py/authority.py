"""Certificates for one run: an authority of its own, and whom it vouches for."""

import base64
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """`file` has its certificate, for those who are to believe it."""

    def __init__(self, folder):
        self.folder, self.name = folder, named("Steppe CA")
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.signed(self.name, self.key, None).public_bytes(PEM))

    def signed(self, name, key, host):
        """Without a host it is an authority's."""
        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        is_authority = x509.BasicConstraints(ca=host is None, path_length=None)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(is_authority, critical=True)
        )
        if host:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            built = built.add_extension(names, critical=False)
        return built.sign(self.key, hashes.SHA256())

    def vouch(self, name, host):
        """The files of a certificate for that host, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(self.signed(named(host), key, host).public_bytes(PEM))
        plain = serialization.NoEncryption()
        files[1].write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain))
        return files

    def thumbprint(self, name):
        """RFC 8705 3.1"""
        der = x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes())
        digest = hashlib.sha256(der.public_bytes(serialization.Encoding.DER)).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

"""Puts a certificate that has expired in the place of one with the same names and key; runs with the scanners' Python.

expire.py FOLDER
"""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

folder = pathlib.Path(sys.argv[1])
chain = folder / "fullchain.pem"
good = x509.load_pem_x509_certificate(chain.read_bytes())
key = serialization.load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
day = datetime.timedelta(days=1)
now = datetime.datetime.now(datetime.timezone.utc)
names = good.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
expired = (
    x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), 1, now - 90 * day, now - day)
    .add_extension(names, critical=True)
    .sign(key, hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
)
for path in (chain, folder / "cert.pem"):
    # What certbot's link leads to is what it looks at.
    path.resolve().write_bytes(expired)

"""Puts an older certificate in the place of one with the same names and key; runs with the scanners' Python.

    age.py FOLDER DAYS

It holds for ninety days, of which so many are left; the files that it takes the place of stay beside it, as FILE.kept.
"""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

folder, left = pathlib.Path(sys.argv[1]), datetime.timedelta(days=int(sys.argv[2]), hours=1)
chain = folder / "fullchain.pem"
young = x509.load_pem_x509_certificate(chain.read_bytes())
key = serialization.load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
end = datetime.datetime.now(datetime.timezone.utc) + left
names = young.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
aged = (
    x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), 1, end - datetime.timedelta(days=90), end)
    .add_extension(names, critical=True)
    .sign(key, hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
)
for path in (chain, folder / "cert.pem"):
    # What certbot's link leads to is what it looks at.
    place = path.resolve()
    place.with_name(f"{place.name}.kept").write_bytes(place.read_bytes())
    place.write_bytes(aged)

"""Make the image trust what its host trusts: a company's proxy, say. Runs while the image is built."""

import hashlib
import pathlib
import re
import subprocess
import sys

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def certificates(path):
    """Return the certificates of a bundle, without their comments."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    found = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    return {"".join(cert.split("\n")): cert for cert in found}


own = certificates(BUNDLE)
extra = [cert for key, cert in certificates(sys.argv[1]).items() if key not in own]
for cert in extra:
    name = "host-" + hashlib.sha256(cert.encode()).hexdigest()[:12]
    # Here they outlive a reinstallation of ca-certificates.
    pathlib.Path(f"/usr/local/share/ca-certificates/{name}.crt").write_text(cert + "\n", encoding="utf-8")
if extra:
    subprocess.run(["update-ca-certificates"], check=True)
    # pip brings certificates of its own unless it is told.
    pathlib.Path("/etc/pip.conf").write_text(f"[global]\ncert = {BUNDLE}\n", encoding="utf-8")

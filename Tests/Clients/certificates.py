"""Certificates made with the openssl program."""
import subprocess


class Identity:
    def __init__(self, folder, name):
        self.certificate = folder / f"{name}.crt"
        self.key = folder / f"{name}.key"


class Authority(Identity):
    """A certificate authority of one's own, with RSA keys."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.folder = folder
        self.name = name
        openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN={name}",
            "-keyout", self.key, "-out", self.certificate,
        )

    def issue(self, name):
        """A certificate of this authority's for a host or client of that name."""
        identity = Identity(self.folder, f"{self.name}-{name}")
        request = self.folder / f"{self.name}-{name}.csr"
        openssl(
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
            "-keyout", identity.key, "-out", request,
        )
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            "-days", "3650", "-out", identity.certificate,
        )
        return identity


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

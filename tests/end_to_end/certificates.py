"""Certificates made for one test: authorities, servers, clients, revocation lists; PEM files in its folder."""

import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def new_key(kind="ec"):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Signs. `file` has its certificate, `folder` is where everything goes."""

    def __init__(self, folder, title="Test CA", parent=None, **options):
        self.folder, self.title = folder, title
        self.key = new_key()
        self.parent = parent
        self.certificate = self.make(title, self.key, authority=True, issuer=parent or self, **options)
        self.file = self.write(title.replace(" ", "-") + ".pem", self.pem())
        self.revoked = []

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, file, data):
        path = os.path.join(self.folder, file)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def make(self, subject, key, names=(), authority=False, issuer=None, begins=-1, days=90, usage=None,
             responder=None, must_staple=False, lists=None, permitted=None):
        issuer = issuer or self
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer.title))
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now + begins * DAY).not_valid_after(now + days * DAY)
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([
                x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() or ":" in n else x509.DNSName(n)
                for n in names]), critical=False)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if responder:
            builder = builder.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))]), critical=False)
        if permitted:
            builder = builder.add_extension(x509.NameConstraints([x509.DNSName(permitted)], None), critical=True)
        if lists:
            builder = builder.add_extension(x509.CRLDistributionPoints([x509.DistributionPoint(
                [x509.UniformResourceIdentifier(lists)], None, None, None)]), critical=False)
        if must_staple:
            builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), critical=False)
        return builder.sign(issuer.key, hashes.SHA256())

    def issue(self, *names, kind="ec", file=None, subject=None, separate=False, **options):
        """A certificate for these names, key and chain in one file (or the key in its own: separate): its path."""
        key = new_key(kind)
        subject = subject or (names[0] if names else "nobody")
        certificate = self.make(subject, key, names, **options)
        chain = certificate.public_bytes(serialization.Encoding.PEM) + (self.pem() if self.parent else b"")
        file = file or "%s-%s.pem" % (subject.replace("*", "any").replace(" ", "-"), kind)
        if separate:
            self.write(file + ".secret", pem(key))
        self.latest = certificate
        return self.write(file, chain + (b"" if separate else pem(key)))

    def revoke(self, certificate):
        self.revoked.append(certificate.serial_number)

    def crl(self, file="crl.pem", days=30):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(name(self.title)).last_update(now - 2 * DAY)
                   .next_update(now + days * DAY))
        for number in self.revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now - DAY).build())
        return self.write(file, builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def client(self, certificate=None, alpn=None, version=None, ciphers=None, tickets=True):
        """A client's context that trusts this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.file)
        if certificate:
            context.load_cert_chain(certificate)
        if alpn:
            context.set_alpn_protocols(alpn)
        if version:
            context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        if not tickets:
            context.options |= ssl.OP_NO_TICKET
        return context


CLIENT_AUTH, SERVER_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def secure(wire, context, host="localhost"):
    """Turns a wire into TLS, as its client."""
    wire.sock = context.wrap_socket(wire.sock, server_hostname=host)
    return wire


def over_tls(context, script):
    """An upstream's script behind a handshake; what became of handshakes is in upstream.handshakes."""

    def wrapped(wire, upstream):
        if not hasattr(upstream, "handshakes"):
            upstream.handshakes = []
        try:
            wire.sock = context.wrap_socket(wire.sock, server_side=True)
        except (ssl.SSLError, OSError) as error:
            upstream.handshakes.append(error)
            return
        upstream.handshakes.append(wire.sock)
        upstream.resumed = getattr(upstream, "resumed", []) + [wire.sock.session_reused]
        try:
            script(wire, upstream)
        except ssl.SSLEOFError:
            pass

    return wrapped


def server_context(certificate, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context

"""Mail against a real SMTP server: taken, refused, slow, dead and back; over TLS, and with a
password."""

import email
import email.policy
import logging
import pathlib
import re
import socket
import ssl
import tempfile
import threading
import time
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from authority import Authority
from person import Person, heading
from server import Server, free_port

# What the SMTP server thinks of wrong passwords, of certificates that are turned down and of AUTH
# without TLS, all asked for here, would bury the results.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")


class Box:
    """An SMTP server's words and what it took."""

    def __init__(self):
        self.letters = []
        self.hold = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.7.1 No such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.hold:
            import asyncio

            while not self.hold.is_set():
                await asyncio.sleep(0.05)
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


def wait_for(what, why):
    for _ in range(1200):
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(why)


def start(port, **settings):
    """Gerege outside dev mode, on loopback."""
    return Server(
        dev=False,
        **{
            "MAIL__HOST": "127.0.0.1",
            "MAIL__PORT": port,
            "MAIL__SECURITY": "none",
            "MAIL__FROM": "Steppe ID <no-reply@steppe.example>",
            "PASSWORD__MEMORY_KIB": 7168,
            "PASSWORD__PASSES": 5,
            **settings,
        },
    )


def certificate(folder):
    """A certificate for localhost by an authority of its own: the authority's file, and TLS with
    the certificate."""
    authority = Authority(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*authority.vouch("own", "localhost"))
    return authority.file, tls


class Encrypted(Controller):
    """One that is not asked whether it runs in the way of those without TLS."""

    def _trigger_server(self):
        with socket.create_connection((self.hostname, self.port)) as raw:
            if self.ssl_context is None:
                raw.recv(100)
                return
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname = False
            client.verify_mode = ssl.CERT_NONE
            with client.wrap_socket(raw) as line:
                line.recv(100)


def secured():
    """The same letter over STARTTLS, and over TLS from the first byte, with a password."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gerege-mail-"))
    ca, tls = certificate(folder)

    def check(server, session, envelope, mechanism, given):
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False)
        box = server.event_handler
        box.logins.append((given.login, given.password))
        return AuthResult(success=given == LoginPassword(b"gerege", b"steppe horse"))

    def mail(security, password="steppe horse", trusted=True):
        box, port = Box(), free_port()
        box.logins = []
        starts = security == "starttls"
        controller = Encrypted(
            box,
            hostname="127.0.0.1",
            port=port,
            authenticator=check,
            auth_required=True,
            # Where all is encrypted the library does not know of it.
            auth_require_tls=starts,
            **({"tls_context": tls, "require_starttls": True} if starts else {"ssl_context": tls}),
        )
        controller.start()
        settings = {
            "MAIL__HOST": "localhost",
            "MAIL__SECURITY": security,
            "MAIL__USERNAME": "gerege",
            "MAIL__PASSWORD": password,
        }
        if trusted:
            settings["NETWORK__CA_FILE"] = ca
        return box, controller, start(port, **settings)

    def arrives(security):
        box, controller, server = mail(security)
        try:
            ask_for_code(server, "temuulen")
            letter_to(box, "temuulen")
            assert set(box.logins) == {(b"gerege", b"steppe horse")}, box.logins
        finally:
            server.stop()
            controller.stop()

    def stays(security, **how):
        box, controller, server = mail(security, **how)
        try:
            person, _ = ask_for_code(server, "temuulen")
            wait_for(
                lambda: "We cannot send email right now" in person.go("/signup/email").text
                or "did not accept our email" in person.go("/signup/email").text,
                "the page does not tell the truth about the mail",
            )
            assert not box.letters
            return box
        finally:
            server.stop()
            controller.stop()

    def a_letter_goes_over_starttls_with_a_password():
        arrives("starttls")

    def a_letter_goes_over_tls_with_a_password():
        arrives("tls")

    def a_wrong_password_sends_nothing():
        box = stays("tls", password="steppe mule")
        assert box.logins, "it was not even tried"

    def a_server_that_nobody_vouches_for_hears_no_password():
        for security in ("starttls", "tls"):
            assert stays(security, trusted=False).logins == []

    return (
        a_letter_goes_over_starttls_with_a_password,
        a_letter_goes_over_tls_with_a_password,
        a_wrong_password_sends_nothing,
        a_server_that_nobody_vouches_for_hears_no_password,
    )


def ask_for_code(server, username):
    person = Person(server.issuer)
    page = person.profile(person.go("/signup"), username)
    assert heading(page) == "Enter the code we sent", heading(page)
    return person, page


def letter_to(box, username):
    to = f"{username}@mail.example"
    return wait_for(
        lambda: next((one for one in box.letters if one["To"] and to in one["To"]), None),
        f"no letter to {to}",
    )


def run():
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    server = None
    try:
        server = start(port)

        def a_code_arrives_and_makes_the_account():
            person, page = ask_for_code(server, "temuulen")
            letter = letter_to(box, "temuulen")
            assert "no-reply@steppe.example" in letter["From"], letter["From"]
            assert letter["Auto-Submitted"] == "auto-generated"
            kinds = [part.get_content_type() for part in letter.walk()]
            assert "text/plain" in kinds and "text/html" in kinds, kinds
            code = "".join(re.findall(r"\d", letter["Subject"]))[:6]
            done = person.submit(page, code=code)
            assert heading(done) == "Your account is ready", heading(done)

        def a_refused_address_is_told_in_the_servers_words():
            person, page = ask_for_code(server, "refused")
            page = wait_for(
                lambda: (
                    lambda seen: seen if "did not accept our email" in seen.text else None
                )(person.go("/signup/email")),
                "the page does not say that the mail was refused",
            )
            assert "No such person here" in page.text

        def pages_do_not_wait_for_a_slow_server():
            box.hold = threading.Event()
            # The page comes while the letter is still held.
            ask_for_code(server, "patient")
            assert not any("patient" in one["To"] for one in box.letters)
            box.hold.set()
            letter_to(box, "patient")
            box.hold = None

        def a_dead_server_that_comes_back_gets_every_letter_once():
            controller.stop()
            person, page = ask_for_code(server, "lateone")
            wait_for(
                lambda: "We cannot send email right now" in person.go("/signup/email").text,
                "the page does not tell the truth about the mail",
            )
            again = Controller(box, hostname="127.0.0.1", port=port)
            again.start()
            try:
                letter = letter_to(box, "lateone")
                code = "".join(re.findall(r"\d", letter["Subject"]))[:6]
                assert heading(person.submit(page, code=code)) == "Your account is ready"
                assert sum("lateone" in one["To"] for one in box.letters) == 1
            finally:
                again.stop()

        for test in (
            a_code_arrives_and_makes_the_account,
            a_refused_address_is_told_in_the_servers_words,
            pages_do_not_wait_for_a_slow_server,
            a_dead_server_that_comes_back_gets_every_letter_once,
            *secured(),
        ):
            yield f"SMTP: {test.__name__.replace('_', ' ')}", test
    finally:
        if server:
            server.stop()
        try:
            controller.stop()
        except Exception:
            pass

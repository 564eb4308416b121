"""Mail against a real SMTP server: taken, refused, slow, dead and back."""

import email
import email.policy
import re
import threading
import time

from aiosmtpd.controller import Controller

from person import Person, heading
from server import Server, free_port


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


def start(port):
    """Gerege outside dev mode, on loopback."""
    return Server(
        dev=False,
        MAIL__HOST="127.0.0.1",
        MAIL__PORT=port,
        MAIL__SECURITY="none",
        MAIL__FROM="Steppe ID <no-reply@steppe.example>",
        PASSWORD__MEMORY_KIB=7168,
        PASSWORD__PASSES=5,
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
        ):
            yield f"SMTP: {test.__name__.replace('_', ' ')}", test
    finally:
        if server:
            server.stop()
        try:
            controller.stop()
        except Exception:
            pass

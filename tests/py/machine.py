"""authlib for programs and devices: how they prove themselves (a secret in the form, a key, a
certificate), client credentials, introspection, revocation, and the device grant."""

import json
import pathlib
import tempfile

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from authority import Authority
from person import Person, heading
from server import Server, free_port

CONFIGURATION = "/.well-known/openid-configuration"


def added(server, kind, *words):
    return json.loads(server.command(kind, "add", *words, "--json"))


def machines(server, name, *more):
    """A service that programs may call for themselves."""
    words = ["--audience", f"https://{name}.example", "--scope", name, "--machine", *more]
    made = added(server, "service", name, *words)
    server.seen(name)
    return made


def program(server, name, scope, *more):
    return added(server, "client", name, "--grant", "client_credentials", "--scope", scope, *more)


def refused(ask, *errors):
    try:
        ask()
    except OAuthError as why:
        assert why.error in errors, why
        return
    raise AssertionError("it was taken")


def a_program_sends_its_secret_in_the_form(server):
    at = server.read(CONFIGURATION)
    machines(server, "tide")
    made = program(server, "tide-reader", "tide", "--auth", "post")
    post = {"token_endpoint_auth_method": "client_secret_post"}
    own = OAuth2Session(made["client_id"], made["client_secret"], scope="tide", **post)
    token = own.fetch_token(at["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "tide" and token["token_type"] == "Bearer"
    for session in (
        OAuth2Session(made["client_id"], made["client_secret"] + "x", scope="tide", **post),
        # By HTTP Basic, which it was not registered with.
        OAuth2Session(made["client_id"], made["client_secret"], scope="tide"),
    ):
        refused(
            lambda: session.fetch_token(at["token_endpoint"], grant_type="client_credentials"),
            "invalid_client",
        )


def let_in(server, device, scope, **more):
    """The device grant; `device` asks for tokens before and after a person allowed it."""
    at = server.read(CONFIGURATION)
    # The library has no step for the beginning.
    begun = requests.post(
        at["device_authorization_endpoint"],
        {"client_id": device.client_id, "scope": scope},
        auth=device.client_secret and (device.client_id, device.client_secret),
        timeout=30,
    ).json()

    def ask():
        return device.fetch_token(
            at["token_endpoint"],
            grant_type="urn:ietf:params:oauth:grant-type:device_code",
            device_code=begun["device_code"],
            **more,
        )

    refused(ask, "authorization_pending")
    person = Person(server.issuer)
    page = person.submit(person.go("/device"), user_code=begun["user_code"])
    page = person.sign_in(page, "temuulen")
    done = person.submit(page, seen="1", decision="allow")
    assert heading(done) == "The other device may go on", heading(done)
    token = ask()
    refused(ask, "invalid_grant")
    return token


def a_device_that_a_person_lets_in(server):
    at = server.read(CONFIGURATION)
    added(server, "client", "radio", "--public", "--grant", "device_code", "--grant", "refresh_token")
    radio = OAuth2Session("radio", token_endpoint_auth_method="none")
    old = let_in(server, radio, "openid profile offline_access")["access_token"]
    assert radio.get(at["userinfo_endpoint"]).json()["preferred_username"] == "temuulen"
    assert radio.refresh_token(at["token_endpoint"])["access_token"] != old


def a_service_asks_about_a_token_until_it_is_revoked(server):
    at = server.read(CONFIGURATION)
    harbour, quay = machines(server, "harbour"), machines(server, "quay")
    words = ["--grant", "device_code", "--scope", "openid harbour quay"]
    made = added(server, "client", "crane", *words)
    crane = OAuth2Session(made["client_id"], made["client_secret"])
    to = "https://harbour.example"
    token = let_in(server, crane, "openid harbour quay", resource=to)["access_token"]

    def told(name, service):
        session = OAuth2Session(name, service["secret"])
        answer = session.introspect_token(at["introspection_endpoint"], token=token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    looked = told("harbour", harbour)
    assert looked["active"] and looked["scope"] == "harbour", looked
    assert looked["username"] == "temuulen" and looked["client_id"] == "crane", looked
    assert told("quay", quay) == {"active": False}, "it is for another service"
    gone = crane.revoke_token(at["revocation_endpoint"], token, token_type_hint="access_token")
    assert gone.status_code == 200, gone.text
    assert told("harbour", harbour) == {"active": False}


def a_program_that_keeps_a_key(server):
    at = server.read(CONFIGURATION)
    machines(server, "reef")
    for key, algorithm in (
        (ECKey.generate_key("P-256", {"use": "sig"}), "ES256"),
        (OKPKey.generate_key("Ed25519", {"use": "sig"}), "EdDSA"),
    ):
        name = f"diver-{algorithm.lower()}"
        file = server.folder / f"{name}.json"
        file.write_text(json.dumps({"keys": [key.as_dict(private=False, kid=key.thumbprint())]}))
        program(server, name, "reef", "--auth", "private_key_jwt", "--jwks", str(file))

        def ask(key, **more):
            session = OAuth2Session(name, key, token_endpoint_auth_method="private_key_jwt")
            proof = {"headers": {"kid": key.thumbprint()}, "alg": algorithm, **more}
            session.register_client_auth_method(PrivateKeyJWT(at["token_endpoint"], **proof))
            return session.fetch_token(
                at["token_endpoint"], grant_type="client_credentials", scope="reef"
            )

        assert ask(key)["scope"] == "reef"
        # Another key; a proof that was shown before.
        refused(lambda: ask(type(key).generate_key(key.curve_name)), "invalid_client")
        assert ask(key, claims={"jti": "once"})["scope"] == "reef"
        refused(lambda: ask(key, claims={"jti": "once"}), "invalid_client")


def a_program_shows_its_certificate(folder):
    authority = Authority(folder)
    own = authority.vouch("own", "localhost")
    shown = {name: authority.vouch(name, f"{name}.example") for name in ("forum", "other")}
    settings = {
        "LISTEN__TLS_CERT": own[0],
        "LISTEN__TLS_KEY": own[1],
        "MTLS__LISTEN": f"127.0.0.1:{free_port()}",
        "MTLS__CA_FILE": authority.file,
    }
    with Server(authority=authority.file, PASSWORD__MEMORY_KIB=8, **settings) as server:
        files = machines(server, "files", "--proof", "mtls")
        words = ["--auth", "tls_client_auth", "--certificate", "dns:forum.example"]
        program(server, "forum", "files", *words)
        found = server.read(CONFIGURATION)
        at = found["mtls_endpoint_aliases"]

        def session(certificate, *who, **more):
            made = OAuth2Session(*who, **more)
            # Nothing of the machine that it runs on.
            made.trust_env, made.verify = False, str(authority.file)
            made.cert = certificate and tuple(map(str, certificate))
            return made

        def ask(certificate, to=at["token_endpoint"]):
            forum = session(certificate, "forum", token_endpoint_auth_method="none")
            return forum.fetch_token(to, grant_type="client_credentials", scope="files")

        token = ask(shown["forum"])["access_token"]
        bound = {"x5t#S256": authority.thumbprint("forum")}
        assert json.loads(jws.extract_compact(token.encode()).payload)["cnf"] == bound
        service = session(None, "files", files["secret"])
        told = service.introspect_token(found["introspection_endpoint"], token=token).json()
        assert told["active"] and told["cnf"] == bound, told
        for certificate, to in (
            (None, at["token_endpoint"]),
            (shown["other"], at["token_endpoint"]),
            # The address for people's browsers takes none.
            (shown["forum"], found["token_endpoint"]),
        ):
            refused(lambda: ask(certificate, to), "invalid_client")
        # A certificate without its key does not even get through.
        try:
            ask((shown["forum"][0], shown["other"][1]))
        except (OSError, requests.RequestException):
            return
        raise AssertionError("a stolen certificate was taken")


def run():
    with Server(PASSWORD__MEMORY_KIB=8) as server:
        person = Person(server.issuer)
        person.sign_up(person.go("/signup"), "temuulen")
        for test in (
            a_program_sends_its_secret_in_the_form,
            a_program_that_keeps_a_key,
            a_device_that_a_person_lets_in,
            a_service_asks_about_a_token_until_it_is_revoked,
        ):
            yield f"authlib: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
    with tempfile.TemporaryDirectory(prefix="gerege-py-") as folder:
        test = a_program_shows_its_certificate
        yield f"authlib: {test.__name__.replace('_', ' ')}", lambda: test(pathlib.Path(folder))

"""Programs by others, in Python, against the built server. The last line counts."""

import sys
import traceback

import client
import details
import machine
import mail
import rp
import rp_program
import verifier
import web_app

passed = failed = 0
for suite in (client, details, machine, rp, rp_program, web_app, mail, verifier):
    try:
        for name, test in suite.run():
            try:
                test()
                passed += 1
                print(f"ok   {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
    except Exception:
        failed += 1
        print(f"FAIL {suite.__name__}\n{traceback.format_exc()}", flush=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

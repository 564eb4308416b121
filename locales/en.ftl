### English. Texts ending in -html hold marks and are used by html() alone.

language-name = English
language-direction = ltr

## Around every page

skip = Skip to main content
site = Site
help = Help
menu = Menu
sign-out = Sign out
error-prefix = Error:
step-title = step { $number } of { $total }
step = Step { $number } of { $total }
to-use = to use
problem = There is a problem
form-old = This page was open for a long time. Check your answers and continue.
show = Show
hide = Hide
show-password = Show password
hide-password = Hide password
password-visible = Your password is visible
password-hidden = Your password is hidden
back = Back
continue = Continue
foot-terms = Terms
foot-cookies = Cookies
foot-help = Help and accessibility
foot = { $server } runs on Gerege.
ask-html = Ask <a href="{ $href }">{ $contact }</a>

month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
date = { $day } { $month } { $year }
moment = { $day } { $month } { $year }, { $time } UTC

## Mistakes in fields

name-empty = Enter your name
name-character = Your name has a character we cannot show. Remove it and try again
name-long = Your name must be { $most } characters or fewer. It has { $has }
username-empty = Create a username
username-characters = Use only letters a to z, numbers, hyphens and underscores in your username
username-length = Your username must be between { $least } and { $most } characters
username-start = Start your username with a letter
username-taken = That username is taken. Try { $try_a } or { $try_b }
email-empty = Enter your email address
email-format = Enter an email address in the correct format, like name@example.com
email-refused = This server does not accept addresses from { $domain }. Use a different address
email-own-domain = An address at { $domain } belongs to the person with that username. Use a different address
email-same = That is the address you have now. Enter the new one
password-empty = Create a password
password-short = Your password needs { $needs } characters or more. It has { $has }
password-long = Your password must be { $most } characters or fewer
password-control = Your password has a character that cannot be typed everywhere. Choose a different one
password-common = Many people use that password, so it is easy to guess. Choose a different one
password-weak = That password is easy to guess. Add another word or two
password-contains-name = Your password contains your name. Choose a different one
password-contains-username = Your password contains your username. Choose a different one
password-contains-email = Your password contains your email address. Choose a different one
password-contains-server = Your password contains the name of this server. Choose a different one
invitation-empty = Enter your invitation code
invitation-spent = That invitation has been used or has run out. Ask for a new one
check-empty = Type the letters you see in the picture
check-wrong = Those letters do not match. Try again, or ask for a new picture
check-wrong-new = Those letters do not match. Here is a new picture
check-old = That picture was open for a long time. Here is a new one
check-others = Try a sound or a question instead
check-sound-empty = Type the numbers you hear
check-sound-wrong = Those numbers do not match. Play the sound again, or ask for a new one
check-sound-wrong-new = Those numbers do not match. Here is a new sound
check-sound-old = That sound was open for a long time. Here is a new one
check-question-empty = Answer the question
check-question-wrong = That is not the answer. Here is a different question
check-question-old = That question was open for a long time. Here is a different one
check-person-empty = Tell us who you are
check-person-long = Write { $most } characters or fewer. You wrote { $has }
check-work-failed = The check did not finish. Type the letters you see in the picture
agree-age = Confirm that you are { $age } or older to continue
code-empty = Enter the 6-digit code from the email
code-wrong = That code does not match. Check the newest email from us
code-old = That code has run out. Ask for a new one
code-spent = Too many tries with that code. Ask for a new one
code-wait = Wait { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}, then ask again
code-held-address = We sent as many emails to this address as we may for now. A new one can be sent in { $span }
code-held-address-live = We sent as many emails to this address as we may for now. The last one still works; a new one can be sent in { $span }
code-held-network = Many emails were asked for from your network. A new one can be sent in { $span }
code-held-network-live = Many emails were asked for from your network. The last one still works; a new one can be sent in { $span }
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
waiting-full = Too many people wait to be let in. Your answers are kept: ask for a new code tomorrow
code-closed = Too many tries with codes for this address. Open the link in the last email from us instead
address-wrong = That is not the address you started with. Check it, or start again
login-empty = Enter your username or email address
password-missing = Enter your password
signin-wrong = That username, email address or password does not match. Check them and try again
signin-slow = Too many tries. Wait { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}, or set a new password by email
signin-locked = This account is closed. Ask { $contact }
signin-closed = This account is closed. Ask the people who run this server
confirm-wrong = That password does not match. Check it and try again
secret-empty = Paste the code from the email
secret-wrong = That code does not match, or it has run out. Ask for a new email

## Sign-up, step 1

signup-title = Create an account
signup-lede = This takes about two minutes. You will need your email open to read a code.
name-label = Your name
name-hint = People you message see this. Any script is fine
username-label = Create a username
username-hint = a to z, numbers, hyphens, underscores. It cannot be changed
username-address = Your address will be { $address }
email-label = Email address
email-hint = For a code now, and to let you back in later
password-new-label = Create a password
password-new-hint = { $least } characters or more. Four random words work well
honeypot = Leave this empty
have-account-html = Already have an account? <a href="{ $href }">Sign in</a>

## Step 2

check-title = Type the letters you see
check-lede = This keeps programs from making accounts by the thousand.
check-alt = A picture of { $length ->
    [6] six
   *[other] { $length }
} letters. If you cannot see it, play the sound or answer a question instead.
check-alt-plain = A picture of { $length ->
    [6] six
   *[other] { $length }
} letters. If you cannot see it, choose another way below.
check-label = Letters and numbers in the picture
check-hint = { $length } characters. Capital letters do not matter
check-new = Show a new picture
check-to-sound = Play a sound instead
check-to-picture = Show a picture instead
check-to-question = Answer a question in words
check-to-person = Ask a person to let you in
check-more = Cannot see or hear it?
check-others-lede = These ways are just as good. Choose the one that suits you.
check-sound-title = Type the numbers you hear
check-sound-lede = Press play. You will hear six numbers, one after the other.
check-sound-label = Numbers in the sound
check-sound-hint = 6 numbers. You can play it as often as you like
check-sound-get = Open the sound by itself
check-sound-new = Make a new sound
check-question-title = Answer a question
check-question-lede = One or two words are enough.
check-question-label = Your answer
check-question-new = Ask a different question
check-person-title = Ask a person to let you in
check-person-lede = The people who run { $server } read this and decide. You can finish the other steps now.
check-person-label = Tell us who you are
check-person-hint = A sentence or two: who you are, who you know here, what you want to do
check-person-button = Ask and continue
check-work-lede = Your browser is doing a small piece of work. This keeps programs from making accounts by the thousand.
check-work-progress = Work done
check-work-or = No need to wait: you can type the letters instead.

## Step 3

agree-title = Read and accept
agree-lede = { $count ->
    [one] This is what you and { $server } agree on.
   *[other] These are the { $count } things that you and { $server } agree on.
}
agree-version = Version { $version }, in force from { $date }
agree-read-all = Read all of it
agree-open = Open on its own page
agree-save = Save as a file
agree-changed = What changed
agree-optional = If you like
agree-optional-tick = I accept: { $title }
agree-age-label = I am { $age } or older
agree-accept = I accept
agree-decline = I do not accept
declined-title = You cannot have an account without accepting
declined-lede = No account was made. What you entered is kept in this browser’s draft for { $span }, so that you can think about it.
declined-back = Go back
declined-delete = Delete what I entered

## Step 4

code-title = Enter the code we sent
code-sent-html = We sent a 6-digit code to <b><bdi dir="ltr">{ $address }</bdi></b>. It works for { $minutes } minutes.
code-sending-html = We are sending a 6-digit code to <b><bdi dir="ltr">{ $address }</bdi></b>. It works for { $minutes } minutes.
code-unsent = This sign-up has no code yet. Your answers are kept.
code-unsent-now = Ask for one below.
code-address-html = Your address: <b><bdi dir="ltr">{ $address }</bdi></b>
code-label = Code from the email
code-hint = 6 numbers. Spaces do not matter
code-slip-html = Did you mean <b><bdi dir="ltr">{ $domain }</bdi></b>? If so, use a different address below.
code-refused-html = The mail server for <b><bdi dir="ltr">{ $domain }</bdi></b> did not accept our email: “<bdi>{ $said }</bdi>”. Check the address or use a different one.
code-mail-down = We cannot send email right now. Your answers are kept. Come back to this page and ask for a new code.
code-link-only = Codes for this address were tried too often today. Open the link in the last email from us, in this browser, and confirm there.
code-not-come = The email did not come
code-spam-html = Look in spam for mail from <b><bdi dir="ltr">{ $from }</bdi></b>. It can take a few minutes.
code-resend = Send a new code
code-resend-wait-html = Works after <span data-seconds>{ $seconds }</span> seconds
code-other-label = Use a different address
code-other-hint = We send a new code there. Codes from before then stop working
code-other-button = Send it there
link-title = Confirm your email address
link-lede = You started an account in this browser with this address.
link-button-html = Confirm <bdi dir="ltr">{ $address }</bdi>
link-code-title = Here is your code
link-code-lede = Type this code in the window where you started.
link-code-warn = If you did not start an account, close this page. Nobody can use the code without that window.

## Step 5 and the way there

name-again-title = Choose another username
name-again-lede-html = Someone else took that username while you were on your way. Your address <b><bdi dir="ltr">{ $address }</bdi></b> is confirmed and stays so.
waiting-title = A person will read your request
waiting-lede-html = Your address <b><bdi dir="ltr">{ $address }</bdi></b> is confirmed. As soon as the people who run { $server } decide, we write to it.
waiting-days = Your request stays here for { $days } days. You can close this page.
done-title = Your account is ready
done-app-html = You can now sign in to <b><bdi>{ $app }</bdi></b> as <b><bdi dir="ltr">{ $address }</bdi></b>.
done-lede-html = You are <b><bdi dir="ltr">{ $address }</bdi></b> now.
done-easier = Make signing in easier
keep-label = Keep me signed in on this device
keep-hint = Leave this off if other people use this device
done-continue-html = Continue to <bdi>{ $app }</bdi>
done-account = Go to your account
done-late-html = <b><bdi>{ $app }</bdi></b> has stopped waiting. Go back to it and sign in there: it takes one click.
done-start-again-html = Sign in to <bdi>{ $app }</bdi>
done-messengers = Use it in
done-messenger-server = Server
done-messenger-address = Your address
your-gerege = Your gerege
address-title = Is this your draft?
address-lede = An account was started in this browser and then left for a while. Enter the email address you used, and your answers come back.
address-forget = Start again with nothing
let-in-title = You are let in
let-in-lede-html = The people who run { $server } said yes. One click makes the account <b><bdi dir="ltr">{ $address }</bdi></b>.
let-in-button = Make my account

## Sign-in

signin-title = Sign in
login-label = Username or email address
password-label = Password
forgot-link = Forgotten your password?
signin-button = Sign in
signin-new-html = New here? <a href="{ $href }">Create an account</a>
choose-title = Choose an account
choose-in = Signed in
choose-out = Signed out
choose-another = Use another account
choose-remove = Remove an account from this list
choose-remove-one-html = Remove <bdi>{ $name }</bdi>
choose-remove-hint = It is signed out in this browser. The account itself stays.
continue-title = Continue as { $name }?
continue-lede-html = You go on to <b><bdi>{ $app }</bdi></b> as this account.
continue-lede = You go on as this account.
continue-button-html = Continue as <bdi>{ $name }</bdi>
forgot-title = Set a new password
forgot-lede = We send a link to the email address of your account.
forgot-button = Send the email
forgot-back-html = Remembered it? <a href="{ $href }">Sign in</a>
forgot-sent-title = Look in your email
forgot-sent-lede = If there is an account, we sent a code to its email address. It works for { $minutes } minutes.
forgot-sent-limited = You have asked a few times in a row, so no new email was sent. If there is an account, the last email still works: each one does for { $minutes } minutes.
forgot-sent-down = We cannot send email to anybody right now. Come back later and ask again.
forgot-again-html = The email did not come? <a href="{ $href }">Ask for another</a>
forgot-sent-from-html = It comes from <b><bdi dir="ltr">{ $from }</bdi></b>. Look in spam too. After a few in a row we send no more for a while; the last email then still works.
secret-label = Code from the email
secret-hint = The link in the email does the same. The code is for when you read it on another device
reset-title = Create a new password
reset-for-html = For <b><bdi dir="ltr">{ $username }</bdi></b>.
reset-sessions = You will be signed out here
reset-sessions-lede = Everything that is signed in to your account now is signed out, so that whoever has your old password is out too.
reset-button = Save the new password
reset-done-title = Your new password is saved
reset-done-lede = You are signed out everywhere. Sign in with the new password.
confirm-title = Confirm it is you
confirm-lede = Before you change how your account is reached, enter your password. It then holds for { $minutes } minutes.
confirm-button = Confirm
signout-title = Sign out?
signout-app-html = <b><bdi>{ $app }</bdi></b> asks to sign you out of { $server }.
signout-lede = Apps on your other devices stay signed in.
signout-button = Sign out
signout-stay = Stay signed in
signed-out-title = You are signed out of { $server }
signed-out-apps = These apps were told:
signed-out-lede = On a computer that others use, close the browser window too.
signed-out-again = Sign in again
terms-again-title = The agreement has changed
terms-again-lede = { $server } asks you to read what is new before you go on.
terms-first-title = Read and accept before you go on
terms-first-lede = { $server } has an agreement that you have not accepted yet. Read it before you go on.
terms-again-until = You have until { $date }. After that you can sign in only if you accept.
terms-again-later = Later

## Consent

consent-title = Let { $app } use your account?
consent-host-html = <bdi>{ $app }</bdi> is at <b><bdi dir="ltr">{ $host }</bdi></b>. You go back there next.
consent-device-html = <bdi>{ $app }</bdi> is a program on this device. You go back to it next.
consent-changed = The app has changed what it asks for. Read it again before you answer.
consent-who = You are signed in as
consent-not-you = Not you?
consent-can = It will be able to
consent-cannot = It will not be able to
consent-allow = Allow
consent-deny = Do not allow
consent-back = You can take this back at any time under Connected apps.
consent-privacy-html = <a href="{ $href }"><bdi>{ $app }</bdi>’s privacy policy</a>
consent-terms-html = <a href="{ $href }"><bdi>{ $app }</bdi>’s terms</a>
consent-home-html = <a href="{ $href }"><bdi>{ $app }</bdi>’s home page</a>
consent-logo-html = <a href="{ $href }"><bdi>{ $app }</bdi>’s picture</a>
consent-document-html = It describes itself at <b><bdi dir="ltr">{ $host }</bdi></b>.
consent-unchecked = Nobody at { $server } has checked this app. It was added { $date }.
scope-openid = Know which account you are
scope-profile = Know your name and username
scope-email = See your email address
scope-offline-access = Keep you signed in until you sign out
scope-offline-access-detail = Or after { $days } days without use
scope-device-sso = Sign you in to the other apps of its maker on this device
scope-messenger = Sign you in to the messenger server { $server }
scope-messenger-detail = Send and receive messages as you
scope-service = Use { $server } for “{ $scope }”
scope-said-detail = At { $server }
scope-detail = Use { $server } for “{ $type }”, exactly as follows
scope-other = Use what it calls “{ $scope }”
cannot-password = See your password
cannot-password-email = See your password or your email address
cannot-account = Change your account or sign in to other apps
leave-title = This app’s request does not work
leave-lede-html = <b><bdi>{ $app }</bdi></b> sent you here with a request that we cannot take. Nothing was told to it.
leave-host-html = If you trust the app, go back and try again there. It is at <b><bdi dir="ltr">{ $host }</bdi></b>.
leave-device = If you trust the app, go back and try again there. It is a program on this device.
leave-button = Go back to the app
cannot-account-alone = Change your account
form-post-title = Going back to the app
form-post-lede = If nothing happens, press the button.

## Apps on other devices

device-title = Allow another device
device-lede = An app on a television, a terminal or another device shows you a code. Type it here.
device-code-label = Code shown on the other screen
device-code-hint = 8 letters, such as WDJB-MJHT
device-code-missing = Type the code that the other screen shows
device-code-wrong = This code is not known, or has run out. Compare it with the other screen, or let it show a new one
device-allow-title = Is this your device?
device-allow-lede-html = <b><bdi>{ $app }</bdi></b> asks to use your account on another device. It asked on { $at } from the network <bdi dir="ltr">{ $network }</bdi>.
device-allow-never = Nobody from { $server } will ever ask you to do this. If somebody sent you here, on the telephone or in a message, it is not your device.
device-seen-html = I can see the code <b dir="ltr">{ $code }</b> on my own screen
device-seen-missing = Tick that you can see the code, or choose “This is not mine”
device-deny = This is not mine
device-allowed-title = The other device may go on
device-allowed-lede = It goes on there within a few seconds. You can close this page.
device-denied-title = The other device was refused
device-denied-lede = Nothing of your account was given to it. You can close this page.
device-apps = Connected apps

## Apps that ask from their own server

asked-title = Apps that ask you
asked-lede = You began something elsewhere, and the app waits for your answer here.
asked-home = An app asks you
asked-none = No app asks you anything now.
asked-look = Look
asked-warning = If you did not just begin this yourself, do not allow it. Nobody has to be let in because they telephone or write to you.
asked-allow-title = Let { $app } go on?
asked-allow-lede-html = <b><bdi>{ $app }</bdi></b> asks to use your account, for something that was begun elsewhere on { $at }.
asked-message = The same must stand on the other screen:

## Account

account = Account
account-home = Home
account-details = Your details
account-signing-in = Signing in
account-devices = Devices
account-apps = Connected apps
account-log = Security log
account-agreements = Agreements
since = Since
email-state = Email
email-confirmed = Confirmed
home-title = Your account
home-lede = Everything that can reach your account is on this page.
home-sessions = Where you are signed in
home-all-devices = All devices
home-all-apps = All apps
home-all-entries = All entries
home-no-apps = No app uses your account yet.
home-no-entries = Nothing has happened yet.
this-device = This device
device-unknown = A browser
device-on = { $browser } on { $system }
last-seen = last seen { $at }
session-since = signed in { $at }
details-title = Your details
details-lede = What other people see, and where we write to.
details-name-button = Save the name
details-username = Username
details-username-hint = It is part of your address and cannot be changed
details-address = Your address in messengers
details-email = Email
details-email-now-html = We write to <b><bdi dir="ltr">{ $address }</bdi></b>.
details-new-label = New email address
details-new-hint = We send a code to it. Until you enter the code, the old one stays
details-new-button = Send a code
details-pending-html = We sent a 6-digit code to <b><bdi dir="ltr">{ $address }</bdi></b>. It works for { $minutes } minutes.
details-code-button = Use this address
details-sending-html = We are sending a 6-digit code to <b><bdi dir="ltr">{ $address }</bdi></b>. It works for { $minutes } minutes.
details-mail-down-html = We cannot send email to <b><bdi dir="ltr">{ $address }</bdi></b> right now. Nothing was changed. Come back to this page later and ask for a new code.
details-refused-html = The mail server for <b><bdi dir="ltr">{ $address }</bdi></b> did not accept our email: “<bdi>{ $said }</bdi>”. Check the address or use a different one.
signing-in-title = Signing in
signing-in-lede = How you prove that it is you.
signing-in-password = Password
signing-in-changed = Last changed { $date }
signing-in-new-label = New password
signing-in-button = Change the password
signing-in-effect = Changing it signs out your other devices.
devices-title = Devices
devices-lede = Every browser and app that is signed in to your account.
devices-everywhere = Sign out everywhere else
devices-everywhere-lede = If something here is not yours, sign it out and change your password.
apps-title = Connected apps
apps-lede = Apps that you let use your account.
apps-none = No app uses your account yet. When you let one in, it stands here.
apps-since = Since { $date }
apps-remove = Remove
apps-start-html = Sign in to <bdi>{ $app }</bdi>
apps-effect = A removed app is signed out within { $minutes } minutes.
log-title = Security log
log-lede = What happened to your account in the last { $days } days.
log-older = Older entries
log-not-me-html = Something here was not you? <a href="/account/signing-in">Change your password</a>, then <a href="/account/devices">sign out everywhere else</a>.
log-signup = Account made
log-signin = Signed in
log-signin-new = Signed in on a new device
log-signin-failed = A wrong password at “Sign in”
log-signout = Signed out
log-session-ended = A device was signed out
log-session-many = Signed out the device used longest ago, because there were more than 100
log-everywhere = Signed out everywhere else
log-password = Password changed
log-reset-asked = New password asked for
log-reset = New password set by email
log-email-asked = New email address entered
log-email = Email address changed
log-name = Name changed
log-app-allowed = Let { $app } use the account
log-app-joined = Signed in to { $app } by another app of its maker
log-app-many = Ended the oldest sign-in of { $app }, because it had more than 100
log-app-removed = Removed { $app }
log-terms = Accepted: { $title }
log-made = Account made by the operator
log-operator-everywhere = Signed out everywhere by the operator
log-replayed = An app was signed out because its key was used twice
log-locked = Account closed by the operator
log-unlocked = Account opened by the operator
log-confirmed = Confirmed it is you
log-confirm-wrong = A wrong password at “Confirm it is you”
agreements-title = Agreements
agreements-lede = What you accepted, and when.
agreements-none = There is nothing to accept on this server.
agreements-accepted = Version { $version } ({ $language }), accepted { $at }
notice-name = Your name is saved
notice-email = Your new email address is saved
notice-password = Your password is changed
notice-session = That device is signed out
notice-everywhere = Everything else is signed out
notice-app = { $app } is removed
notice-terms = Thank you. Your answer is kept under Agreements
notice-code = We sent a new code
notice-draft-gone = This sign-up is no longer here: it was left for too long, or it was deleted. Its answers are deleted too
notice-draft-deleted = What you entered is deleted

## To read

terms-title = Terms
terms-lede = What people agree to when they make an account on { $server }.
terms-none = There is nothing to accept on this server.
terms-all = All terms
terms-digest = Fingerprint of this text (SHA-256)
terms-versions = Other versions
cookies-title = Cookies
cookies-lede = { $server } sets only cookies that it cannot do without. That is why nobody asks you about them.
cookies-browser = Keeps you signed in
cookies-browser-long = Kept: until you sign out, at most { $days ->
    [one] { $days } day
   *[other] { $days } days
}
cookies-device = Remembers that you signed in here before, so that we need not warn you
cookies-device-long = Kept: 400 days
cookies-draft = Keeps your answers while you make an account
cookies-draft-long = Kept: { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}; { $waiting } days if the people who run this server still have to let you in
cookies-lang = Remembers your language
cookies-lang-long = Kept: 1 year
help-title = Help and accessibility
help-signin = Signing in
help-signin-text-html = You need your username or email address and your password. <a href="/forgot">Set a new password</a> if you have forgotten it: a link goes to the email address of your account.
help-signup = Making an account
help-signup-text-html = You need an email address that you can read now. <a href="/signup">Create an account</a> in about two minutes.
help-check = The security check can be done in any of these ways:
help-check-work = Your browser does a small piece of work by itself
help-check-picture = You type the letters of a picture
help-check-sound = You type the numbers that you hear
help-check-question = You answer a question in words
help-check-person = You ask a person to let you in
help-safe = Staying safe
help-safe-text = Nobody from { $server } ever asks for your password or for a code. Type them only on pages whose address begins with this server’s name.
help-access = Accessibility
help-access-text = Every page works with a keyboard, with a screen reader, with text at twice its size, enlarged to four times its size, in light and dark, and without scripts. If something does not work for you, tell us: we want to put it right.
help-contact = Asking a person
help-contact-none = Ask the person who gave you the address of this server.

## Errors that are a page

error-reference = Number to quote
error-home = Go to the first page
redirect-title = This app is not set up correctly
redirect-what-html = <b><bdi>{ $app }</bdi></b> asked us to send you to an address that is not on file for it. To keep your account safe we stop here.
redirect-out-what-html = <b><bdi>{ $app }</bdi></b> asked us to sign you out and send you to an address that is not on file for it. We stop here, and nothing was changed.
redirect-todo = Go back to the app. If this happens again, tell the people who run it, and quote the number below.
logout-refused-title = The app could not sign you out
logout-refused-lede = An app sent you here to sign out, but we could not tell from its request which app or whose sign-in it is. Nothing was changed.
logout-refused-todo = You can sign out here yourself. If this happens again, tell the people who run the app, and quote the number below.
redirect-asked = Address asked for
redirect-nearest = Nearest address on file
redirect-on-file = Other addresses on file
redirect-none = There is no address on file.
redirect-differs = They differ from character { $at } on
redirect-operator = For the people who run this server
redirect-operator-lede = If the address asked for is right, this puts it on file:
fault-not-found-heading = This page does not exist
fault-not-found-what = There is nothing at this address.
fault-not-found-why = The link may be old, or a letter may be missing.
fault-not-found-todo = Check the address, or go to the first page.
fault-bad-request-heading = We could not read that
fault-bad-request-what = Your browser sent something that this page does not understand.
fault-bad-request-why = { "" }
fault-bad-request-todo = Go back, load the page again and try once more.
fault-method-heading = That does not work here
fault-method-what = This address does not take what was sent to it.
fault-method-why = { "" }
fault-method-todo = Go back and start from the page itself.
fault-too-large-heading = That was too much at once
fault-too-large-what = What was sent is larger than this page takes.
fault-too-large-why = { "" }
fault-too-large-todo = Go back, shorten your answers and send them again.
fault-form-heading = This page was open for a long time
fault-form-what = We could not tell that the form came from your own browser, so nothing was changed.
fault-form-why = You may have signed in or out in another window meanwhile.
fault-form-todo = Go back, load the page again and send it once more.
fault-cookies-heading = Your browser sent no cookie
fault-cookies-what = Without a cookie we cannot tell that the form came from your own browser, so nothing was changed.
fault-cookies-why = Cookies may be switched off for this site, or they were deleted while the page was open.
fault-cookies-todo = Allow cookies for this site, load the page again and send it once more.
fault-slow-heading = Too many tries
fault-slow-what = A lot has come from your network in a short time.
fault-slow-why = This keeps programs from guessing passwords and making accounts by the thousand.
fault-slow-todo = Wait { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
} and try again.
fault-busy-heading = There is a queue
fault-busy-what = More people are signing in than this server can take at once. Nothing was lost.
fault-busy-why = { "" }
fault-busy-todo = Wait { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
} and try again.
fault-away-heading = We cannot do that right now
fault-away-what = The part of this server that keeps accounts does not answer. Nothing was changed halfway.
fault-away-why = It may be starting again. It has nothing to do with you or your account.
fault-away-todo = Wait a minute and try again. If it goes on, tell the people who run this server and quote the number below.
fault-broken-heading = Something went wrong on our side
fault-broken-what = We could not finish what you asked for. Nothing was changed halfway.
fault-broken-why = { "" }
fault-broken-todo = Try again in a minute. If it happens again, tell the people who run this server and quote the number below.
fault-request-old-heading = That sign-in has run out
fault-request-old-what = The app asked to sign you in, and that request is no longer waiting.
fault-request-old-why = It was open for more than an hour, it was finished in another window, or it belongs to another browser.
fault-request-old-todo = Go back to the app and start again.
fault-request-used-heading = You allowed this a moment ago
fault-request-used-what = The app has already gone on with what you allowed before.
fault-request-used-why = It was allowed in another window, or by an earlier click.
fault-request-used-todo = To take it back, open your account and remove the app under Connected apps.
fault-link-old-heading = That link has run out
fault-link-old-what = The link in the email no longer works. Nothing was changed.
fault-link-old-why = It was used already, it was open for too long, or a newer email took its place.
fault-link-old-todo = Use the newest email from us, or go back to where you started and ask for a new one.
fault-reset-old-heading = That link has run out
fault-reset-old-what = The link in the email no longer works. Your password was not changed.
fault-reset-old-why = It was used already, it was open for too long, or a newer email took its place.
fault-reset-old-todo = Use the newest email from us, or ask for another one.
fault-reset-old-way = Ask for another email
fault-waiting-full-heading = Too many people wait to be let in
fault-waiting-full-what = The people who run this server read each request, and their list is full. Nothing was changed.
fault-waiting-full-why = { "" }
fault-waiting-full-todo = Come back tomorrow in this browser: your answers are kept.
fault-signup-closed-heading = Accounts are not made here
fault-signup-closed-what = The people who run this server do not let new accounts be made on this page.
fault-signup-closed-why = { "" }
fault-signup-closed-todo = Ask them for an account.
fault-app-unknown-heading = We do not know this app
fault-app-unknown-what = An app sent you here to sign in, but it is not on file on this server.
fault-app-unknown-why = Its name on this server may have been mistyped, or it was removed.
fault-app-unknown-todo = Go back to the app. If this happens again, tell the people who run it.
fault-app-request-heading = The app asked in a way we do not understand
fault-app-request-what = An app sent you here to sign in, but its request is not complete. Your account is safe.
fault-app-request-why = { "" }
fault-app-request-todo = Go back to the app and try again. If this happens again, tell the people who run it.
fault-pushed-gone-heading = That sign-in has run out
fault-pushed-gone-what = The app asked to sign you in, and what it asked is no longer waiting here.
fault-pushed-gone-why = It waits for a short time, and for one browser. It was opened too late, or it was opened before.
fault-pushed-gone-todo = Go back to the app and start again.
fault-forbidden-heading = This page is not for you
fault-forbidden-what = You are signed in, but this page belongs to someone else.
fault-forbidden-why = { "" }
fault-forbidden-todo = Go to the first page.

## The mailbox of dev mode

dev-mailbox-title = Mailbox
dev-mailbox-lede = Dev mode sends nothing. Every email that would have left is here.
dev-mailbox-none = No email yet. Create an account, and its code stands here.
dev-mail-to = To
dev-mail-from = From
dev-mail-at = Caught
dev-mail-all = All emails

## Mails

mail-hello = Hello { $name },
mail-hello-plain = Hello,
mail-from = This email is from { $server }, { $url }
mail-contact = Questions: { $contact }
mail-ignore = If you did not ask for this, do nothing. Nobody can use it without the code.
mail-signup-code-subject = { $code } is your { $server } code
mail-signup-code-why = You are making an account on { $server }. Type this code in the window where you started:
mail-signup-code-why-app = You are making an account on { $server } to use { $app }. Type this code in the window where you started:
mail-signup-code-minutes = It works for { $minutes } minutes.
mail-signup-code-link = You can also open this page, in the same browser, and confirm there:
mail-already-subject = You already have an account on { $server }
mail-already-why = Someone, perhaps you, wanted to make an account on { $server } with this address. You have one already: its username is { $username }. So no new one was made.
mail-already-signin = Sign in here:
mail-already-forgot = If you have forgotten your password, set a new one here:
mail-already-not-you = If it was not you, do nothing. Nothing was changed, and whoever it was did not learn that you have an account.
mail-reset-subject = Set a new password for { $server }
mail-reset-why = Someone, perhaps you, asked to set a new password for the account { $username } on { $server }. Open this page and choose one:
mail-reset-minutes = It works for { $minutes } minutes and only once.
mail-reset-secret = If you read this on another device, paste this code in the window where you asked:
mail-reset-not-you = If you did not ask for this, do nothing. Your password stays as it is.
mail-password-subject = Your password for { $server } was changed
mail-password-why = The password of your account on { $server } was changed on { $at }.
mail-password-device = It was done with { $device }.
mail-password-effect = Your other devices were signed out.
mail-password-not-you = If it was not you, set a new password now:
mail-device-subject = New sign-in to { $server }
mail-device-why = Your account on { $server } was used on a device that we have not seen before.
mail-device-what = Device: { $device }
mail-device-place = From: { $place }
mail-device-at = When: { $at }
mail-device-ok = If it was you, there is nothing to do.
mail-device-not-you = If it was not you, sign that device out and change your password:
mail-let-in-subject = You are let in to { $server }
mail-let-in-why = The people who run { $server } have read your request and said yes. Open this page in any browser and finish:
mail-let-in-days = It works for { $days } days.
mail-not-let-in-subject = Your request to { $server }
mail-not-let-in-why = The people who run { $server } have read your request and decided not to make an account.
mail-not-let-in-note = They wrote: { $note }
mail-not-let-in-after = What you entered has been deleted.
mail-email-code-subject = { $code } is your { $server } code
mail-email-code-why = You want { $server } to write to this address from now on. Type this code on the page where you entered it:
mail-email-changed-subject = Your email address on { $server } was changed
mail-email-changed-why = On { $at } the email address of your account on { $server } was changed from { $old } to { $new }.
mail-email-changed-old = This is the last email to the old address. If it was not you, write to the people who run { $server } at once.
mail-email-changed-new = From now on we write to this address.
mail-asked-subject = { $app } asks you
mail-asked-why = { $app } asked on { $at } to use your account on { $server }.
mail-asked-message = On its screen stands: “{ $message }”
mail-asked-yes = If you began this, open this page within { $minutes } minutes and compare:
mail-asked-no = If it was not you, do nothing, or open the page and choose “Do not allow”. Nothing was given to anyone.
mail-test-subject = { $server } can send email
mail-test-why = This email was sent to try the mail settings of { $server }. It arrived: they work.
mail-test-at = Sent { $at }.
fault-not-here-heading = This server answers its own machine only
fault-not-here-what = It runs in dev mode, and this request did not come from here or asked for another name.
fault-not-here-why = Dev mode shows every email to whoever asks, so it never leaves the machine.
fault-not-here-todo = Open it as http://localhost on the machine where it runs, or set it up for real use.

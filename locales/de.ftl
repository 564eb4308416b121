### Deutsch. Texte, deren Name auf -html endet, enthalten Auszeichnungen und gehören zu html().

language-name = Deutsch
language-direction = ltr

## Um jede Seite herum

skip = Zum Inhalt springen
site = Seite
help = Hilfe
menu = Menü
sign-out = Abmelden
error-prefix = Fehler:
step-title = Schritt { $number } von { $total }
step = Schritt { $number } von { $total }
to-use = für
problem = Etwas stimmt noch nicht
form-old = Diese Seite war lange offen. Prüfe deine Angaben und geh weiter.
show = Zeigen
hide = Verbergen
show-password = Passwort zeigen
hide-password = Passwort verbergen
password-visible = Dein Passwort ist zu sehen
password-hidden = Dein Passwort ist verborgen
back = Zurück
continue = Weiter
foot-terms = Bedingungen
foot-cookies = Cookies
foot-help = Hilfe und Barrierefreiheit
foot = { $server } läuft mit Gerege.
ask-html = Frag <a href="{ $href }">{ $contact }</a>

month-1 = Januar
month-2 = Februar
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = August
month-9 = September
month-10 = Oktober
month-11 = November
month-12 = Dezember
date = { $day }. { $month } { $year }
moment = { $day }. { $month } { $year }, { $time } UTC

## Fehler in Feldern

name-empty = Gib deinen Namen ein
name-character = Dein Name enthält ein Zeichen, das wir nicht zeigen können. Entferne es und versuch es noch einmal
name-long = Dein Name darf höchstens { $most } Zeichen haben. Er hat { $has }
username-empty = Denk dir einen Benutzernamen aus
username-characters = Nimm für den Benutzernamen nur die Buchstaben a bis z, Ziffern, Bindestriche und Unterstriche
username-length = Dein Benutzername muss zwischen { $least } und { $most } Zeichen lang sein
username-start = Beginne deinen Benutzernamen mit einem Buchstaben
username-taken = Dieser Benutzername ist vergeben. Versuch { $try_a } oder { $try_b }
email-empty = Gib deine E-Mail-Adresse ein
email-format = Gib eine E-Mail-Adresse in der richtigen Form ein, zum Beispiel name@example.com
email-refused = Dieser Server nimmt keine Adressen von { $domain } an. Nimm eine andere Adresse
email-own-domain = Eine Adresse bei { $domain } gehört der Person mit diesem Benutzernamen. Nimm eine andere Adresse
email-same = Das ist die Adresse, die du schon hast. Gib die neue ein
password-empty = Denk dir ein Passwort aus
password-short = Dein Passwort braucht mindestens { $needs } Zeichen. Es hat { $has }
password-long = Dein Passwort darf höchstens { $most } Zeichen haben
password-control = Dein Passwort enthält ein Zeichen, das sich nicht überall tippen lässt. Nimm ein anderes
password-common = Viele Menschen nehmen dieses Passwort, darum ist es leicht zu erraten. Nimm ein anderes
password-weak = Dieses Passwort ist leicht zu erraten. Häng ein oder zwei Wörter an
password-contains-name = Dein Passwort enthält deinen Namen. Nimm ein anderes
password-contains-username = Dein Passwort enthält deinen Benutzernamen. Nimm ein anderes
password-contains-email = Dein Passwort enthält deine E-Mail-Adresse. Nimm ein anderes
password-contains-server = Dein Passwort enthält den Namen dieses Servers. Nimm ein anderes
invitation-empty = Gib deinen Einladungscode ein
invitation-spent = Diese Einladung ist verbraucht oder abgelaufen. Lass dir eine neue geben
check-empty = Tippe die Buchstaben ab, die du im Bild siehst
check-wrong = Diese Buchstaben passen nicht. Versuch es noch einmal oder lass dir ein neues Bild zeigen
check-wrong-new = Diese Buchstaben passen nicht. Hier ist ein neues Bild
check-old = Dieses Bild war lange offen. Hier ist ein neues
check-others = Versuch es lieber mit einem Ton oder einer Frage
check-sound-empty = Tippe die Ziffern, die du hörst
check-sound-wrong = Diese Ziffern passen nicht. Spiel den Ton noch einmal ab oder lass dir einen neuen geben
check-sound-wrong-new = Diese Ziffern passen nicht. Hier ist ein neuer Ton
check-sound-old = Dieser Ton war lange offen. Hier ist ein neuer
check-question-empty = Beantworte die Frage
check-question-wrong = Das ist nicht die Antwort. Hier ist eine andere Frage
check-question-old = Diese Frage war lange offen. Hier ist eine andere
check-person-empty = Schreib uns, wer du bist
check-person-long = Schreib höchstens { $most } Zeichen. Es sind { $has }
check-work-failed = Die Prüfung wurde nicht fertig. Tippe die Buchstaben ab, die du im Bild siehst
agree-age = Bestätige, dass du { $age } Jahre oder älter bist, um weiterzugehen
code-empty = Gib den sechsstelligen Code aus der E-Mail ein
code-wrong = Dieser Code passt nicht. Sieh in unserer neuesten E-Mail nach
code-old = Dieser Code ist abgelaufen. Lass dir einen neuen schicken
code-spent = Zu viele Versuche mit diesem Code. Lass dir einen neuen schicken
code-wait = Warte { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} und frag dann noch einmal
code-held-address = Wir haben vorerst so viele E-Mails an diese Adresse geschickt, wie wir dürfen. Eine neue geht in { $span }
code-held-address-live = Wir haben vorerst so viele E-Mails an diese Adresse geschickt, wie wir dürfen. Die letzte gilt noch; eine neue geht in { $span }
code-held-network = Aus deinem Netz wurden viele E-Mails verlangt. Eine neue geht in { $span }
code-held-network-live = Aus deinem Netz wurden viele E-Mails verlangt. Die letzte gilt noch; eine neue geht in { $span }
span-minutes = { $count ->
    [one] { $count } Minute
   *[other] { $count } Minuten
}
span-hours = { $count ->
    [one] { $count } Stunde
   *[other] { $count } Stunden
}
waiting-full = Zu viele Leute warten darauf, eingelassen zu werden. Deine Antworten bleiben: Fordere morgen einen neuen Code an
code-closed = Zu viele Versuche mit Codes für diese Adresse. Öffne stattdessen den Link in unserer letzten E-Mail
address-wrong = Das ist nicht die Adresse, mit der du angefangen hast. Prüfe sie oder fang neu an
login-empty = Gib deinen Benutzernamen oder deine E-Mail-Adresse ein
password-missing = Gib dein Passwort ein
signin-wrong = Benutzername, E-Mail-Adresse oder Passwort passen nicht. Prüfe sie und versuch es noch einmal
signin-slow = Zu viele Versuche. Warte { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} oder setze per E-Mail ein neues Passwort
signin-locked = Dieses Konto ist geschlossen. Frag { $contact }
signin-closed = Dieses Konto ist geschlossen. Frag die Menschen, die diesen Server betreiben
confirm-wrong = Dieses Passwort passt nicht. Prüfe es und versuch es noch einmal
secret-empty = Füge den Code aus der E-Mail ein
secret-wrong = Dieser Code passt nicht oder ist abgelaufen. Lass dir eine neue E-Mail schicken

## Konto anlegen, Schritt 1

signup-title = Konto anlegen
signup-lede = Das dauert etwa zwei Minuten. Öffne deine E-Mails, du brauchst daraus einen Code.
name-label = Dein Name
name-hint = Ihn sehen alle, denen du schreibst. Jede Schrift ist möglich
username-label = Benutzername
username-hint = a bis z, Ziffern, Binde- und Unterstriche. Er lässt sich nicht ändern
username-address = Deine Adresse wird { $address } sein
email-label = E-Mail-Adresse
email-hint = Jetzt für einen Code und später, um dich wieder hereinzulassen
password-new-label = Neues Passwort
password-new-hint = Mindestens { $least } Zeichen. Vier zufällige Wörter sind gut
honeypot = Lass dieses Feld leer
have-account-html = Du hast schon ein Konto? <a href="{ $href }">Melde dich an</a>

## Schritt 2

check-title = Tippe die Buchstaben ab
check-lede = So legen keine Programme tausende Konten an.
check-alt = Ein Bild mit { $length ->
    [6] sechs
   *[other] { $length }
} Buchstaben. Wenn du es nicht sehen kannst, spiel den Ton ab oder beantworte eine Frage.
check-alt-plain = Ein Bild mit { $length ->
    [6] sechs
   *[other] { $length }
} Buchstaben. Wenn du es nicht sehen kannst, nimm einen anderen Weg weiter unten.
check-label = Buchstaben und Ziffern im Bild
check-hint = { $length } Zeichen. Groß oder klein ist gleich
check-new = Neues Bild zeigen
check-to-sound = Lieber einen Ton hören
check-to-picture = Lieber ein Bild sehen
check-to-question = Eine Frage in Worten beantworten
check-to-person = Einen Menschen fragen
check-more = Du kannst es nicht sehen oder hören?
check-others-lede = Diese Wege sind genauso gut. Nimm den, der dir liegt.
check-sound-title = Tippe die Ziffern, die du hörst
check-sound-lede = Drück auf Abspielen. Du hörst sechs Ziffern, eine nach der anderen.
check-sound-label = Ziffern im Ton
check-sound-hint = 6 Ziffern. Du kannst sie so oft abspielen, wie du willst
check-sound-get = Den Ton für sich öffnen
check-sound-new = Neuen Ton machen
check-question-title = Beantworte eine Frage
check-question-lede = Ein oder zwei Wörter genügen.
check-question-label = Deine Antwort
check-question-new = Andere Frage stellen
check-person-title = Einen Menschen fragen
check-person-lede = Die Menschen, die { $server } betreiben, lesen das und entscheiden. Die übrigen Schritte kannst du jetzt schon machen.
check-person-label = Schreib uns, wer du bist
check-person-hint = Ein, zwei Sätze: wer du bist, wen du hier kennst, was du vorhast
check-person-button = Fragen und weiter
check-work-lede = Dein Browser rechnet kurz. So legen keine Programme tausende Konten an.
check-work-progress = Schon gerechnet
check-work-or = Du musst nicht warten: Du kannst auch die Buchstaben abtippen.

## Schritt 3

agree-title = Lesen und annehmen
agree-lede = { $count ->
    [one] Das vereinbaren du und { $server }.
   *[other] Diese { $count } Dinge vereinbaren du und { $server }.
}
agree-version = Fassung { $version }, gilt ab { $date }
agree-read-all = Alles lesen
agree-open = Auf eigener Seite öffnen
agree-save = Als Datei sichern
agree-changed = Was sich geändert hat
agree-optional = Wenn du willst
agree-optional-tick = Ich nehme an: { $title }
agree-age-label = Ich bin { $age } Jahre oder älter
agree-accept = Ich nehme an
agree-decline = Ich nehme nicht an
declined-title = Ohne dein Ja gibt es kein Konto
declined-lede = Es wurde kein Konto angelegt. Was du eingegeben hast, bleibt { $span } lang als Entwurf in diesem Browser, damit du es dir überlegen kannst.
declined-back = Zurückgehen
declined-delete = Löschen, was ich eingegeben habe

## Schritt 4

code-title = Gib den Code ein
code-sent-html = Wir haben einen sechsstelligen Code an <b><bdi dir="ltr">{ $address }</bdi></b> geschickt. Er gilt { $minutes } Minuten.
code-sending-html = Wir schicken gerade einen sechsstelligen Code an <b><bdi dir="ltr">{ $address }</bdi></b>. Er gilt { $minutes } Minuten.
code-unsent = Für dieses Konto gibt es noch keinen Code. Deine Angaben bleiben erhalten.
code-unsent-now = Lass dir unten einen schicken.
code-address-html = Deine Adresse: <b><bdi dir="ltr">{ $address }</bdi></b>
code-label = Code aus der E-Mail
code-hint = 6 Ziffern. Leerzeichen sind egal
code-slip-html = Meintest du <b><bdi dir="ltr">{ $domain }</bdi></b>? Dann nimm unten eine andere Adresse.
code-refused-html = Der Mailserver von <b><bdi dir="ltr">{ $domain }</bdi></b> hat unsere E-Mail nicht angenommen: „<bdi>{ $said }</bdi>“. Prüfe die Adresse oder nimm eine andere.
code-mail-down = Wir können gerade keine E-Mails schicken. Deine Angaben bleiben erhalten. Komm auf diese Seite zurück und lass dir einen neuen Code schicken.
code-link-only = Codes für diese Adresse wurden heute zu oft versucht. Öffne in diesem Browser den Link in unserer letzten E-Mail und bestätige dort.
code-not-come = Die E-Mail kam nicht an
code-spam-html = Such im Spam nach einer E-Mail von <b><bdi dir="ltr">{ $from }</bdi></b>. Sie kann ein paar Minuten brauchen.
code-resend = Neuen Code schicken
code-resend-wait-html = Geht in <span data-seconds>{ $seconds }</span> Sekunden
code-other-label = Eine andere Adresse nehmen
code-other-hint = Wir schicken einen neuen Code dorthin. Frühere gelten dann nicht mehr
code-other-button = Dorthin schicken
link-title = Bestätige deine E-Mail-Adresse
link-lede = In diesem Browser hast du mit dieser Adresse ein Konto begonnen.
link-button-html = <bdi dir="ltr">{ $address }</bdi> bestätigen
link-code-title = Hier ist dein Code
link-code-lede = Tippe diesen Code in das Fenster, in dem du angefangen hast.
link-code-warn = Wenn du kein Konto begonnen hast, schließ diese Seite. Ohne jenes Fenster kann niemand den Code benutzen.

## Schritt 5 und der Weg dorthin

name-again-title = Wähle einen anderen Benutzernamen
name-again-lede-html = Unterwegs hat jemand anders diesen Benutzernamen genommen. Deine Adresse <b><bdi dir="ltr">{ $address }</bdi></b> ist bestätigt und bleibt es.
waiting-title = Ein Mensch liest deine Anfrage
waiting-lede-html = Deine Adresse <b><bdi dir="ltr">{ $address }</bdi></b> ist bestätigt. Sobald die Menschen, die { $server } betreiben, entschieden haben, schreiben wir dorthin.
waiting-days = Deine Anfrage bleibt { $days } Tage hier. Du kannst diese Seite schließen.
done-title = Dein Konto ist fertig
done-app-html = Du kannst dich jetzt bei <b><bdi>{ $app }</bdi></b> als <b><bdi dir="ltr">{ $address }</bdi></b> anmelden.
done-lede-html = Du bist jetzt <b><bdi dir="ltr">{ $address }</bdi></b>.
done-easier = Damit das Anmelden leichter wird
keep-label = Auf diesem Gerät angemeldet bleiben
keep-hint = Lass das aus, wenn andere dieses Gerät benutzen
done-continue-html = Weiter zu <bdi>{ $app }</bdi>
done-account = Zu deinem Konto
done-late-html = <b><bdi>{ $app }</bdi></b> wartet nicht mehr. Geh dorthin zurück und melde dich an: Das ist ein Klick.
done-start-again-html = Bei <bdi>{ $app }</bdi> anmelden
done-messengers = Benutze es in
done-messenger-server = Server
done-messenger-address = Deine Adresse
your-gerege = Deine Gerege
address-title = Ist das dein Entwurf?
address-lede = In diesem Browser wurde ein Konto begonnen und dann eine Weile liegen gelassen. Gib die E-Mail-Adresse ein, die du genommen hast, dann sind deine Angaben wieder da.
address-forget = Ganz von vorn anfangen
let-in-title = Du darfst herein
let-in-lede-html = Die Menschen, die { $server } betreiben, haben ja gesagt. Ein Klick legt das Konto <b><bdi dir="ltr">{ $address }</bdi></b> an.
let-in-button = Mein Konto anlegen

## Anmelden

signin-title = Anmelden
login-label = Benutzername oder E-Mail-Adresse
password-label = Passwort
forgot-link = Passwort vergessen?
signin-button = Anmelden
signin-new-html = Neu hier? <a href="{ $href }">Leg ein Konto an</a>
choose-title = Wähle ein Konto
choose-in = Angemeldet
choose-out = Abgemeldet
choose-another = Ein anderes Konto nehmen
choose-remove = Ein Konto aus dieser Liste nehmen
choose-remove-one-html = <bdi>{ $name }</bdi> herausnehmen
choose-remove-hint = Es wird in diesem Browser abgemeldet. Das Konto selbst bleibt.
continue-title = Weiter als { $name }?
continue-lede-html = Mit diesem Konto geht es weiter zu <b><bdi>{ $app }</bdi></b>.
continue-lede = Mit diesem Konto geht es weiter.
continue-button-html = Weiter als <bdi>{ $name }</bdi>
forgot-title = Neues Passwort setzen
forgot-lede = Wir schicken einen Link an die E-Mail-Adresse deines Kontos.
forgot-button = E-Mail schicken
forgot-back-html = Wieder eingefallen? <a href="{ $href }">Melde dich an</a>
forgot-sent-title = Sieh in deine E-Mails
forgot-sent-lede = Wenn es ein Konto gibt, haben wir einen Code an seine E-Mail-Adresse geschickt. Er gilt { $minutes } Minuten.
forgot-sent-limited = Du hast mehrmals hintereinander gefragt, deshalb ging keine neue E-Mail hinaus. Wenn es ein Konto gibt, gilt die letzte noch: jede { $minutes } Minuten lang.
forgot-sent-down = Wir können gerade niemandem E-Mails schicken. Komm später wieder und frag noch einmal.
forgot-again-html = Die E-Mail kam nicht an? <a href="{ $href }">Frag nach einer neuen</a>
forgot-sent-from-html = Er kommt von <b><bdi dir="ltr">{ $from }</bdi></b>. Sieh auch im Spam nach. Nach einigen hintereinander schicken wir eine Weile keinen mehr; die letzte E-Mail gilt dann noch.
secret-label = Code aus der E-Mail
secret-hint = Der Link in der E-Mail tut dasselbe. Der Code ist da, falls du sie auf einem anderen Gerät liest
reset-title = Denk dir ein neues Passwort aus
reset-for-html = Für <b><bdi dir="ltr">{ $username }</bdi></b>.
reset-sessions = Hier wirst du abgemeldet
reset-sessions-lede = Alles, was jetzt an deinem Konto angemeldet ist, wird abgemeldet. So ist auch draußen, wer dein altes Passwort hat.
reset-button = Neues Passwort speichern
reset-done-title = Dein neues Passwort ist gespeichert
reset-done-lede = Du bist überall abgemeldet. Melde dich mit dem neuen Passwort an.
confirm-title = Bestätige, dass du es bist
confirm-lede = Bevor du änderst, wie man an dein Konto kommt, gib dein Passwort ein. Das gilt dann { $minutes } Minuten.
confirm-button = Bestätigen
signout-title = Abmelden?
signout-app-html = <b><bdi>{ $app }</bdi></b> möchte dich bei { $server } abmelden.
signout-lede = Apps auf deinen anderen Geräten bleiben angemeldet.
signout-button = Abmelden
signout-stay = Angemeldet bleiben
signed-out-title = Du bist bei { $server } abgemeldet
signed-out-apps = Diese Apps wissen Bescheid:
signed-out-lede = Benutzen andere diesen Computer, dann schließ auch das Browserfenster.
signed-out-again = Wieder anmelden
terms-again-title = Die Vereinbarung hat sich geändert
terms-again-lede = Lies, was neu ist, bevor es bei { $server } weitergeht.
terms-first-title = Lies und nimm an, bevor es weitergeht
terms-first-lede = Bei { $server } gibt es eine Vereinbarung, die du noch nicht angenommen hast. Lies sie, bevor es weitergeht.
terms-again-until = Du hast Zeit bis zum { $date }. Danach kannst du dich nur anmelden, wenn du annimmst.
terms-again-later = Später

## Zustimmung

consent-title = Darf { $app } dein Konto benutzen?
consent-host-html = <bdi>{ $app }</bdi> ist bei <b><bdi dir="ltr">{ $host }</bdi></b>. Dorthin geht es gleich zurück.
consent-device-html = <bdi>{ $app }</bdi> ist ein Programm auf diesem Gerät. Dorthin geht es gleich zurück.
consent-changed = Die App hat geändert, was sie möchte. Lies noch einmal, bevor du antwortest.
consent-who = Du bist angemeldet als
consent-not-you = Nicht du?
consent-can = Das kann die App dann
consent-cannot = Das kann sie nicht
consent-allow = Erlauben
consent-deny = Nicht erlauben
consent-back = Unter „Verbundene Apps“ kannst du das jederzeit zurücknehmen.
consent-privacy-html = <a href="{ $href }">Datenschutz bei <bdi>{ $app }</bdi></a>
consent-terms-html = <a href="{ $href }">Bedingungen von <bdi>{ $app }</bdi></a>
consent-home-html = <a href="{ $href }">Startseite von <bdi>{ $app }</bdi></a>
consent-logo-html = <a href="{ $href }">Bild von <bdi>{ $app }</bdi></a>
consent-document-html = Sie beschreibt sich selbst bei <b><bdi dir="ltr">{ $host }</bdi></b>.
consent-unchecked = Niemand bei { $server } hat diese App geprüft. Sie kam am { $date } dazu.
scope-openid = Wissen, welches Konto du bist
scope-profile = Deinen Namen und Benutzernamen kennen
scope-email = Deine E-Mail-Adresse sehen
scope-offline-access = Dich angemeldet halten, bis du dich abmeldest
scope-offline-access-detail = Oder bis du sie { $days } Tage nicht benutzt
scope-device-sso = Dich auf diesem Gerät bei den anderen Apps ihres Herstellers anmelden
scope-messenger = Dich am Messenger-Server { $server } anmelden
scope-messenger-detail = Nachrichten als du senden und empfangen
scope-service = { $server } für „{ $scope }“ benutzen
scope-said-detail = Bei { $server }
scope-detail = { $server } für „{ $type }“ benutzen, genau so wie hier
scope-other = Benutzen, was sie „{ $scope }“ nennt
cannot-password = Dein Passwort sehen
cannot-password-email = Dein Passwort oder deine E-Mail-Adresse sehen
cannot-account = Dein Konto ändern oder dich bei anderen Apps anmelden
leave-title = Die Anfrage dieser App geht so nicht
leave-lede-html = <b><bdi>{ $app }</bdi></b> hat dich mit einer Anfrage hergeschickt, die wir nicht annehmen können. Ihr wurde nichts gesagt.
leave-host-html = Wenn du der App traust, geh zurück und versuch es dort noch einmal. Sie ist bei <b><bdi dir="ltr">{ $host }</bdi></b>.
leave-device = Wenn du der App traust, geh zurück und versuch es dort noch einmal. Sie ist ein Programm auf diesem Gerät.
leave-button = Zurück zur App
cannot-account-alone = Dein Konto ändern
form-post-title = Es geht zurück zur App
form-post-lede = Wenn nichts geschieht, drück den Knopf.

## Apps auf anderen Geräten

device-title = Ein anderes Gerät zulassen
device-lede = Eine App auf einem Fernseher, in einem Terminal oder auf einem anderen Gerät zeigt dir einen Code. Gib ihn hier ein.
device-code-label = Code vom anderen Bildschirm
device-code-hint = 8 Buchstaben, zum Beispiel WDJB-MJHT
device-code-missing = Gib den Code ein, den der andere Bildschirm zeigt
device-code-wrong = Diesen Code gibt es nicht oder nicht mehr. Vergleiche ihn mit dem anderen Bildschirm oder lass dort einen neuen anzeigen
device-allow-title = Ist das dein Gerät?
device-allow-lede-html = <b><bdi>{ $app }</bdi></b> möchte dein Konto auf einem anderen Gerät benutzen. Gefragt wurde am { $at } aus dem Netz <bdi dir="ltr">{ $network }</bdi>.
device-allow-never = Niemand von { $server } verlangt das jemals von dir. Wenn dich jemand am Telefon oder in einer Nachricht hierher geschickt hat, ist es nicht dein Gerät.
device-seen-html = Ich sehe den Code <b dir="ltr">{ $code }</b> auf meinem eigenen Bildschirm
device-seen-missing = Hake an, dass du den Code siehst, oder wähle „Das ist nicht meins“
device-deny = Das ist nicht meins
device-allowed-title = Das andere Gerät darf weitermachen
device-allowed-lede = Dort geht es in wenigen Sekunden weiter. Du kannst diese Seite schließen.
device-denied-title = Das andere Gerät wurde abgewiesen
device-denied-lede = Es hat nichts von deinem Konto bekommen. Du kannst diese Seite schließen.
device-apps = Verbundene Apps

## Apps, die von ihrem eigenen Server aus fragen

asked-title = Apps, die dich fragen
asked-lede = Du hast anderswo etwas begonnen, und die App wartet hier auf deine Antwort.
asked-home = Eine App fragt dich
asked-none = Gerade fragt dich keine App.
asked-look = Ansehen
asked-warning = Wenn du das nicht gerade selbst begonnen hast, erlaube es nicht. Du musst niemanden hereinlassen, weil er anruft oder schreibt.
asked-allow-title = Darf { $app } weitermachen?
asked-allow-lede-html = <b><bdi>{ $app }</bdi></b> möchte dein Konto benutzen, für etwas, das am { $at } anderswo begonnen wurde.
asked-message = Auf dem anderen Bildschirm muss dasselbe stehen:

## Konto

account = Konto
account-home = Übersicht
account-details = Deine Angaben
account-signing-in = Anmeldung
account-devices = Geräte
account-apps = Verbundene Apps
account-log = Sicherheitsprotokoll
account-agreements = Vereinbarungen
since = Seit
email-state = E-Mail
email-confirmed = Bestätigt
home-title = Dein Konto
home-lede = Alles, was an dein Konto herankommt, steht auf dieser Seite.
home-sessions = Wo du angemeldet bist
home-all-devices = Alle Geräte
home-all-apps = Alle Apps
home-all-entries = Alle Einträge
home-no-apps = Noch benutzt keine App dein Konto.
home-no-entries = Noch ist nichts geschehen.
this-device = Dieses Gerät
device-unknown = Ein Browser
device-on = { $browser } auf { $system }
last-seen = zuletzt gesehen { $at }
session-since = angemeldet { $at }
details-title = Deine Angaben
details-lede = Was andere sehen und wohin wir schreiben.
details-name-button = Namen speichern
details-username = Benutzername
details-username-hint = Er ist Teil deiner Adresse und lässt sich nicht ändern
details-address = Deine Adresse in Messengern
details-email = E-Mail
details-email-now-html = Wir schreiben an <b><bdi dir="ltr">{ $address }</bdi></b>.
details-new-label = Neue E-Mail-Adresse
details-new-hint = Wir schicken einen Code dorthin. Bis du ihn eingibst, bleibt die alte
details-new-button = Code schicken
details-pending-html = Wir haben einen sechsstelligen Code an <b><bdi dir="ltr">{ $address }</bdi></b> geschickt. Er gilt { $minutes } Minuten.
details-code-button = Diese Adresse nehmen
details-sending-html = Wir schicken gerade einen sechsstelligen Code an <b><bdi dir="ltr">{ $address }</bdi></b>. Er gilt { $minutes } Minuten.
details-mail-down-html = Wir können gerade keine E-Mail an <b><bdi dir="ltr">{ $address }</bdi></b> schicken. Nichts wurde geändert. Komm später auf diese Seite zurück und lass dir einen neuen Code schicken.
details-refused-html = Der Mailserver von <b><bdi dir="ltr">{ $address }</bdi></b> hat unsere E-Mail nicht angenommen: „<bdi>{ $said }</bdi>“. Prüfe die Adresse oder nimm eine andere.
signing-in-title = Anmeldung und Passwort
signing-in-lede = Womit du zeigst, dass du es bist.
signing-in-password = Passwort
signing-in-changed = Zuletzt geändert am { $date }
signing-in-new-label = Neues Passwort
signing-in-button = Passwort ändern
signing-in-effect = Wenn du es änderst, werden deine anderen Geräte abgemeldet.
devices-title = Geräte
devices-lede = Jeder Browser und jede App, die an deinem Konto angemeldet sind.
devices-everywhere = Überall sonst abmelden
devices-everywhere-lede = Wenn etwas davon nicht dir gehört, melde es ab und ändere dein Passwort.
apps-title = Verbundene Apps
apps-lede = Apps, die dein Konto benutzen dürfen.
apps-none = Noch benutzt keine App dein Konto. Wenn du eine hereinlässt, steht sie hier.
apps-since = Seit { $date }
apps-remove = Entfernen
apps-start-html = Bei <bdi>{ $app }</bdi> anmelden
apps-effect = Eine entfernte App ist binnen { $minutes } Minuten abgemeldet.
log-title = Sicherheitsprotokoll
log-lede = Was in den letzten { $days } Tagen mit deinem Konto geschah.
log-older = Ältere Einträge
log-not-me-html = Etwas davon warst nicht du? <a href="/account/signing-in">Ändere dein Passwort</a>, dann <a href="/account/devices">melde dich überall sonst ab</a>.
log-signup = Konto angelegt
log-signin = Angemeldet
log-signin-new = Auf einem neuen Gerät angemeldet
log-signin-failed = Falsches Passwort bei „Anmelden“
log-signout = Abgemeldet
log-session-ended = Ein Gerät wurde abgemeldet
log-session-many = Das am längsten nicht benutzte Gerät abgemeldet, weil es mehr als 100 waren
log-everywhere = Überall sonst abgemeldet
log-password = Passwort geändert
log-reset-asked = Neues Passwort angefordert
log-reset = Neues Passwort per E-Mail gesetzt
log-email-asked = Neue E-Mail-Adresse eingegeben
log-email = E-Mail-Adresse geändert
log-name = Name geändert
log-app-allowed = { $app } darf das Konto benutzen
log-app-joined = Durch eine andere App des Herstellers bei { $app } angemeldet
log-app-many = Älteste Anmeldung bei { $app } beendet, weil es mehr als 100 waren
log-app-removed = { $app } entfernt
log-terms = Angenommen: { $title }
log-made = Konto vom Betreiber angelegt
log-operator-everywhere = Vom Betreiber überall abgemeldet
log-replayed = Eine App wurde abgemeldet, weil ihr Schlüssel zweimal benutzt wurde
log-locked = Konto vom Betreiber geschlossen
log-unlocked = Konto vom Betreiber geöffnet
log-confirmed = Bestätigt, dass du es bist
log-confirm-wrong = Falsches Passwort bei „Bestätige, dass du es bist“
agreements-title = Vereinbarungen
agreements-lede = Was du angenommen hast und wann.
agreements-none = Auf diesem Server gibt es nichts anzunehmen.
agreements-accepted = Fassung { $version } ({ $language }), angenommen am { $at }
notice-name = Dein Name ist gespeichert
notice-email = Deine neue E-Mail-Adresse ist gespeichert
notice-password = Dein Passwort ist geändert
notice-session = Das Gerät ist abgemeldet
notice-everywhere = Alles andere ist abgemeldet
notice-app = { $app } ist entfernt
notice-terms = Danke. Deine Antwort steht unter „Vereinbarungen“
notice-code = Wir haben einen neuen Code geschickt
notice-draft-gone = Dieser Entwurf ist nicht mehr da: Er lag zu lange, oder er wurde gelöscht. Seine Angaben sind auch gelöscht
notice-draft-deleted = Was du eingegeben hast, ist gelöscht

## Zum Lesen

terms-title = Bedingungen
terms-lede = Worauf man sich einlässt, wenn man bei { $server } ein Konto anlegt.
terms-none = Auf diesem Server gibt es nichts anzunehmen.
terms-all = Alle Bedingungen
terms-digest = Fingerabdruck dieses Textes (SHA-256)
terms-versions = Andere Fassungen
cookies-title = Cookies
cookies-lede = { $server } setzt nur Cookies, ohne die es nicht geht. Darum fragt dich niemand danach.
cookies-browser = Hält dich angemeldet
cookies-browser-long = Bleibt: bis du dich abmeldest, höchstens { $days ->
    [one] { $days } Tag
   *[other] { $days } Tage
}
cookies-device = Merkt sich, dass du hier schon angemeldet warst, damit wir dich nicht warnen müssen
cookies-device-long = Bleibt: 400 Tage
cookies-draft = Hebt deine Angaben auf, während du ein Konto anlegst
cookies-draft-long = Bleibt: { $hours ->
    [one] { $hours } Stunde
   *[other] { $hours } Stunden
}; { $waiting } Tage, wenn die Menschen, die diesen Server betreiben, dich noch einlassen müssen
cookies-lang = Merkt sich deine Sprache
cookies-lang-long = Bleibt: 1 Jahr
help-title = Hilfe und Barrierefreiheit
help-signin = Anmelden
help-signin-text-html = Du brauchst deinen Benutzernamen oder deine E-Mail-Adresse und dein Passwort. <a href="/forgot">Setze ein neues Passwort</a>, wenn du es vergessen hast: Ein Link geht an die E-Mail-Adresse deines Kontos.
help-signup = Ein Konto anlegen
help-signup-text-html = Du brauchst eine E-Mail-Adresse, die du jetzt lesen kannst. <a href="/signup">Leg ein Konto an</a>, das dauert etwa zwei Minuten.
help-check = Die Sicherheitsprüfung geht auf jedem dieser Wege:
help-check-work = Dein Browser rechnet von selbst ein wenig
help-check-picture = Du tippst die Buchstaben eines Bildes ab
help-check-sound = Du tippst die Ziffern, die du hörst
help-check-question = Du beantwortest eine Frage in Worten
help-check-person = Du fragst einen Menschen, der dich einlässt
help-safe = Sicher bleiben
help-safe-text = Niemand von { $server } fragt dich je nach deinem Passwort oder einem Code. Tippe sie nur auf Seiten ein, deren Adresse mit dem Namen dieses Servers beginnt.
help-access = Barrierefreiheit
help-access-text = Jede Seite geht mit der Tastatur, mit einem Bildschirmleser, mit doppelt so großer Schrift, vierfach vergrößert, hell und dunkel und ohne Skripte. Wenn etwas für dich nicht geht, sag es uns: Wir wollen es richten.
help-contact = Einen Menschen fragen
help-contact-none = Frag die Person, von der du die Adresse dieses Servers hast.

## Fehler als eigene Seite

error-reference = Nummer zum Angeben
error-home = Zur ersten Seite
redirect-title = Diese App ist nicht richtig eingerichtet
redirect-what-html = <b><bdi>{ $app }</bdi></b> wollte dich an eine Adresse schicken lassen, die für sie nicht hinterlegt ist. Damit dein Konto sicher bleibt, halten wir hier an.
redirect-out-what-html = <b><bdi>{ $app }</bdi></b> wollte dich abmelden und an eine Adresse schicken, die für diese App nicht hinterlegt ist. Darum halten wir hier an, und nichts wurde geändert.
redirect-todo = Geh zurück zur App. Wenn das wieder geschieht, sag den Menschen Bescheid, die sie betreiben, und nenn die Nummer unten.
logout-refused-title = Die App konnte dich nicht abmelden
logout-refused-lede = Eine App hat dich zum Abmelden hierher geschickt, aber aus ihrer Anfrage geht nicht hervor, welche App es ist oder um wessen Anmeldung es geht. Nichts wurde geändert.
logout-refused-todo = Du kannst dich hier selbst abmelden. Wenn es wieder geschieht, sag den Menschen Bescheid, die die App betreiben, und nenn die Nummer unten.
redirect-asked = Verlangte Adresse
redirect-nearest = Ähnlichste hinterlegte Adresse
redirect-on-file = Andere hinterlegte Adressen
redirect-none = Es ist keine Adresse hinterlegt.
redirect-differs = Sie unterscheiden sich ab Zeichen { $at }
redirect-operator = Für die Menschen, die diesen Server betreiben
redirect-operator-lede = Wenn die verlangte Adresse stimmt, hinterlegt sie dieser Befehl:
fault-not-found-heading = Diese Seite gibt es nicht
fault-not-found-what = Unter dieser Adresse ist nichts.
fault-not-found-why = Vielleicht ist der Link alt, oder es fehlt ein Buchstabe.
fault-not-found-todo = Prüfe die Adresse oder geh zur ersten Seite.
fault-bad-request-heading = Das konnten wir nicht lesen
fault-bad-request-what = Dein Browser hat etwas geschickt, das diese Seite nicht versteht.
fault-bad-request-why = { "" }
fault-bad-request-todo = Geh zurück, lade die Seite neu und versuch es noch einmal.
fault-method-heading = Das geht hier nicht
fault-method-what = Diese Adresse nimmt nicht an, was ihr geschickt wurde.
fault-method-why = { "" }
fault-method-todo = Geh zurück und fang auf der Seite selbst an.
fault-too-large-heading = Das war zu viel auf einmal
fault-too-large-what = Es kam mehr an, als diese Seite aufnimmt.
fault-too-large-why = { "" }
fault-too-large-todo = Geh zurück, kürze deine Angaben und schick sie noch einmal.
fault-form-heading = Diese Seite war lange offen
fault-form-what = Wir konnten nicht erkennen, dass das Formular aus deinem Browser kam. Darum wurde nichts geändert.
fault-form-why = Vielleicht hast du dich inzwischen in einem anderen Fenster an- oder abgemeldet.
fault-form-todo = Geh zurück, lade die Seite neu und schick sie noch einmal.
fault-cookies-heading = Dein Browser hat kein Cookie geschickt
fault-cookies-what = Ohne Cookie können wir nicht erkennen, dass das Formular aus deinem Browser kam. Darum wurde nichts geändert.
fault-cookies-why = Vielleicht sind Cookies für diese Seite ausgeschaltet, oder sie wurden gelöscht, während die Seite offen war.
fault-cookies-todo = Erlaube Cookies für diese Seite, lade sie neu und schick sie noch einmal.
fault-slow-heading = Zu viele Versuche
fault-slow-what = Aus deinem Netz kam in kurzer Zeit sehr viel.
fault-slow-why = So raten keine Programme Passwörter und legen keine tausend Konten an.
fault-slow-todo = Warte { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} und versuch es noch einmal.
fault-busy-heading = Es gibt eine Schlange
fault-busy-what = Gerade melden sich mehr Menschen an, als dieser Server auf einmal schafft. Nichts ging verloren.
fault-busy-why = { "" }
fault-busy-todo = Warte { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
} und versuch es noch einmal.
fault-away-heading = Das geht gerade nicht
fault-away-what = Der Teil dieses Servers, der die Konten verwahrt, antwortet nicht. Nichts wurde halb geändert.
fault-away-why = Vielleicht startet er gerade neu. Mit dir oder deinem Konto hat es nichts zu tun.
fault-away-todo = Warte eine Minute und versuch es noch einmal. Wenn es so bleibt, sag den Menschen Bescheid, die diesen Server betreiben, und nenn die Nummer unten.
fault-broken-heading = Bei uns ging etwas schief
fault-broken-what = Wir konnten nicht zu Ende bringen, was du wolltest. Nichts wurde halb geändert.
fault-broken-why = { "" }
fault-broken-todo = Versuch es in einer Minute noch einmal. Wenn es wieder geschieht, sag den Menschen Bescheid, die diesen Server betreiben, und nenn die Nummer unten.
fault-request-old-heading = Diese Anmeldung ist abgelaufen
fault-request-old-what = Die App wollte dich anmelden, aber ihre Anfrage wartet nicht mehr.
fault-request-old-why = Sie war über eine Stunde offen, wurde in einem anderen Fenster beendet oder gehört zu einem anderen Browser.
fault-request-old-todo = Geh zurück zur App und fang neu an.
fault-request-used-heading = Das hast du eben erlaubt
fault-request-used-what = Die App ist mit dem, was du vorher erlaubt hast, schon weitergegangen.
fault-request-used-why = Es wurde in einem anderen Fenster erlaubt oder mit einem früheren Klick.
fault-request-used-todo = Um es zurückzunehmen, öffne dein Konto und entferne die App unter „Verbundene Apps“.
fault-link-old-heading = Dieser Link ist abgelaufen
fault-link-old-what = Der Link in der E-Mail gilt nicht mehr. Nichts wurde geändert.
fault-link-old-why = Er wurde schon benutzt, war zu lange offen, oder eine neuere E-Mail hat ihn ersetzt.
fault-link-old-todo = Nimm unsere neueste E-Mail, oder geh dorthin zurück, wo du angefangen hast, und lass dir eine neue schicken.
fault-reset-old-heading = Dieser Link ist abgelaufen
fault-reset-old-what = Der Link aus der E-Mail gilt nicht mehr. Dein Passwort wurde nicht geändert.
fault-reset-old-why = Er wurde schon benutzt, er war zu lange offen, oder eine neuere E-Mail trat an seine Stelle.
fault-reset-old-todo = Nimm die neueste E-Mail von uns oder lass dir eine neue schicken.
fault-reset-old-way = Neue E-Mail anfordern
fault-waiting-full-heading = Zu viele Leute warten darauf, eingelassen zu werden
fault-waiting-full-what = Die Betreiber dieses Servers lesen jede Anfrage, und ihre Liste ist voll. Nichts wurde geändert.
fault-waiting-full-why = { "" }
fault-waiting-full-todo = Komm morgen in diesem Browser wieder: Deine Antworten bleiben.
fault-signup-closed-heading = Hier werden keine Konten angelegt
fault-signup-closed-what = Die Menschen, die diesen Server betreiben, lassen auf dieser Seite keine neuen Konten anlegen.
fault-signup-closed-why = { "" }
fault-signup-closed-todo = Frag sie nach einem Konto.
fault-app-unknown-heading = Wir kennen diese App nicht
fault-app-unknown-what = Eine App hat dich zum Anmelden hergeschickt, aber sie ist auf diesem Server nicht hinterlegt.
fault-app-unknown-why = Vielleicht ist ihr Name auf diesem Server verschrieben, oder sie wurde entfernt.
fault-app-unknown-todo = Geh zurück zur App. Wenn das wieder geschieht, sag den Menschen Bescheid, die sie betreiben.
fault-app-request-heading = Die App hat unverständlich gefragt
fault-app-request-what = Eine App hat dich zum Anmelden hergeschickt, aber ihre Anfrage ist nicht vollständig. Dein Konto ist sicher.
fault-app-request-why = { "" }
fault-app-request-todo = Geh zurück zur App und versuch es noch einmal. Wenn das wieder geschieht, sag den Menschen Bescheid, die sie betreiben.
fault-pushed-gone-heading = Diese Anmeldung ist abgelaufen
fault-pushed-gone-what = Die App wollte dich anmelden, aber ihre Anfrage wartet hier nicht mehr.
fault-pushed-gone-why = Sie wartet nur kurz und auf einen einzigen Browser. Sie wurde zu spät geöffnet oder schon einmal.
fault-pushed-gone-todo = Geh zurück zur App und fang neu an.
fault-forbidden-heading = Diese Seite ist nicht für dich
fault-forbidden-what = Du bist angemeldet, aber diese Seite gehört jemand anderem.
fault-forbidden-why = { "" }
fault-forbidden-todo = Geh zur ersten Seite.

## Das Postfach im Entwicklungsbetrieb

dev-mailbox-title = Postfach
dev-mailbox-lede = Im Entwicklungsbetrieb wird nichts verschickt. Jede E-Mail, die hinausgegangen wäre, liegt hier.
dev-mailbox-none = Noch keine E-Mail. Leg ein Konto an, dann steht sein Code hier.
dev-mail-to = An
dev-mail-from = Von
dev-mail-at = Aufgefangen
dev-mail-all = Alle E-Mails

## E-Mails

mail-hello = Hallo { $name },
mail-hello-plain = Hallo,
mail-from = Diese E-Mail kommt von { $server }, { $url }
mail-contact = Fragen: { $contact }
mail-ignore = Wenn du das nicht wolltest, musst du nichts tun. Ohne den Code kann niemand etwas damit anfangen.
mail-signup-code-subject = { $code } ist dein Code für { $server }
mail-signup-code-why = Du legst bei { $server } ein Konto an. Tippe diesen Code in das Fenster, in dem du angefangen hast:
mail-signup-code-why-app = Du legst bei { $server } ein Konto an, um { $app } zu benutzen. Tippe diesen Code in das Fenster, in dem du angefangen hast:
mail-signup-code-minutes = Er gilt { $minutes } Minuten.
mail-signup-code-link = Du kannst auch im selben Browser diese Seite öffnen und dort bestätigen:
mail-already-subject = Du hast schon ein Konto bei { $server }
mail-already-why = Jemand, vielleicht du, wollte mit dieser Adresse ein Konto bei { $server } anlegen. Du hast schon eines: Sein Benutzername ist { $username }. Darum wurde kein neues angelegt.
mail-already-signin = Hier meldest du dich an:
mail-already-forgot = Wenn du dein Passwort vergessen hast, setze hier ein neues:
mail-already-not-you = Wenn du es nicht warst, musst du nichts tun. Nichts wurde geändert, und wer es war, hat nicht erfahren, dass du ein Konto hast.
mail-reset-subject = Neues Passwort für { $server }
mail-reset-why = Jemand, vielleicht du, möchte ein neues Passwort für das Konto { $username } bei { $server } setzen. Öffne diese Seite und denk dir eines aus:
mail-reset-minutes = Der Link gilt { $minutes } Minuten und nur einmal.
mail-reset-secret = Wenn du das auf einem anderen Gerät liest, füge diesen Code in das Fenster ein, in dem du gefragt hast:
mail-reset-not-you = Wenn du das nicht wolltest, musst du nichts tun. Dein Passwort bleibt, wie es ist.
mail-password-subject = Dein Passwort bei { $server } wurde geändert
mail-password-why = Das Passwort deines Kontos bei { $server } wurde am { $at } geändert.
mail-password-device = Das geschah mit { $device }.
mail-password-effect = Deine anderen Geräte wurden abgemeldet.
mail-password-not-you = Wenn du es nicht warst, setze jetzt ein neues Passwort:
mail-device-subject = Neue Anmeldung bei { $server }
mail-device-why = Dein Konto bei { $server } wurde auf einem Gerät benutzt, das wir noch nicht kannten.
mail-device-what = Gerät: { $device }
mail-device-place = Von: { $place }
mail-device-at = Wann: { $at }
mail-device-ok = Wenn du es warst, ist nichts zu tun.
mail-device-not-you = Wenn du es nicht warst, melde dieses Gerät ab und ändere dein Passwort:
mail-let-in-subject = Du darfst herein bei { $server }
mail-let-in-why = Die Menschen, die { $server } betreiben, haben deine Anfrage gelesen und ja gesagt. Öffne diese Seite in irgendeinem Browser und mach fertig:
mail-let-in-days = Sie gilt { $days } Tage.
mail-not-let-in-subject = Deine Anfrage bei { $server }
mail-not-let-in-why = Die Menschen, die { $server } betreiben, haben deine Anfrage gelesen und entschieden, kein Konto anzulegen.
mail-not-let-in-note = Sie schreiben: { $note }
mail-not-let-in-after = Was du eingegeben hast, ist gelöscht.
mail-email-code-subject = { $code } ist dein Code für { $server }
mail-email-code-why = Du möchtest, dass { $server } dir von jetzt an hierher schreibt. Tippe diesen Code auf der Seite ein, auf der du die Adresse eingegeben hast:
mail-email-changed-subject = Deine E-Mail-Adresse bei { $server } wurde geändert
mail-email-changed-why = Am { $at } wurde die E-Mail-Adresse deines Kontos bei { $server } von { $old } in { $new } geändert.
mail-email-changed-old = Das ist die letzte E-Mail an die alte Adresse. Wenn du es nicht warst, schreib sofort den Menschen, die { $server } betreiben.
mail-email-changed-new = Von jetzt an schreiben wir an diese Adresse.
mail-asked-subject = { $app } fragt dich
mail-asked-why = { $app } hat am { $at } gefragt, ob es dein Konto bei { $server } benutzen darf.
mail-asked-message = Auf seinem Bildschirm steht: „{ $message }“
mail-asked-yes = Wenn du das begonnen hast, öffne innerhalb von { $minutes } Minuten diese Seite und vergleiche:
mail-asked-no = Wenn du es nicht warst, tu nichts, oder öffne die Seite und wähle „Nicht erlauben“. Niemand hat etwas bekommen.
mail-test-subject = { $server } kann E-Mails schicken
mail-test-why = Mit dieser E-Mail werden die E-Mail-Einstellungen von { $server } geprüft. Sie kam an: Es geht.
mail-test-at = Gesendet { $at }.
fault-not-here-heading = Dieser Server antwortet nur dem eigenen Rechner
fault-not-here-what = Er läuft im Entwicklungsmodus, und diese Anfrage kam nicht von hier oder fragte nach einem anderen Namen.
fault-not-here-why = Im Entwicklungsmodus kann jeder alle E-Mails lesen, deshalb verlässt er den Rechner nie.
fault-not-here-todo = Öffne ihn auf seinem eigenen Rechner unter http://localhost, oder richte ihn für den echten Betrieb ein.

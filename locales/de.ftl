fault-not-here-heading = Dieser Server antwortet nur dem eigenen Rechner
fault-not-here-what = Er läuft im Entwicklungsmodus, und diese Anfrage kam nicht von hier oder fragte nach einem anderen Namen.
fault-not-here-why = Im Entwicklungsmodus kann jeder alle E-Mails lesen, deshalb verlässt er den Rechner nie.
fault-not-here-todo = Öffne ihn auf seinem eigenen Rechner unter http://localhost, oder richte ihn für den echten Betrieb ein.

// Certificates for one run, made by openssl, and a fetch that shows one of them.
import { execFileSync } from 'node:child_process'
import { X509Certificate, createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'

// An authority, and whom it or nobody vouches for.
export function startAuthority() {
  const folder = mkdtempSync(join(tmpdir(), 'gerege-tls-'))
  const file = (name) => join(folder, name)
  writeFileSync(file('openssl.cnf'), '[req]\ndistinguished_name = names\n[names]\n')
  const make = (name, host, isAuthority, ...by) => {
    const words = ['req', '-x509', '-config', file('openssl.cnf'), '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    words.push('-nodes', '-days', '1', '-subj', `/CN=${host}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`))
    words.push('-addext', `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`)
    if (!isAuthority) words.push('-addext', `subjectAltName=DNS:${host}`)
    execFileSync('openssl', [...words, ...by], { stdio: 'pipe' })
  }
  make('ca', 'Steppe CA', true)
  const shown = (name) => new X509Certificate(readFileSync(file(`${name}.pem`)))
  const agents = []
  return {
    file,
    // A certificate by the authority.
    vouch: (name, host) => make(name, host, false, '-CA', file('ca.pem'), '-CAkey', file('ca.key')),
    // One that its own key signed.
    alone: (name, host) => make(name, host, false),
    // As an app registers it itself (RFC 7517 4.7).
    jwk(name) {
      const one = shown(name)
      return { ...one.publicKey.export({ format: 'jwk' }), x5c: [one.raw.toString('base64')] }
    },
    // RFC 8705 3.1
    thumbprint: (name) => createHash('sha256').update(shown(name).raw).digest('base64url'),
    // A fetch that believes the authority, and shows that certificate where it is asked for one.
    fetch(name) {
      const shown = name ? { cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${name}.key`)) } : {}
      const dispatcher = new Agent({ connect: { ca: readFileSync(file('ca.pem')), ...shown } })
      agents.push(dispatcher)
      return (url, options) => fetch(url, { ...options, dispatcher })
    },
    async stop() {
      await Promise.all(agents.map((agent) => agent.destroy()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

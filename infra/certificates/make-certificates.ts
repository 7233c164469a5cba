import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openssl } from './openssl';

/** A certificate and the key that belongs to it, as PEM and as the files that hold it. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What an identity is for: a server that is what it says, one past its time, one with another name; a client. */
export type IdentityName = 'server' | 'expired' | 'otherHost' | 'client';

/** An authority that nobody trusts but who is told to, and what it has signed. */
export interface Certificates extends Readonly<Record<IdentityName, Identity>> {
  readonly folder: string;
  readonly ca: string;
  readonly caFile: string;
  /** The client's key, encrypted. */
  readonly lockedKey: string;
  readonly passphrase: string;
  /** Deletes the folder of all files. */
  remove(): Promise<void>;
}

interface Request {
  readonly names: string;
  readonly from: string;
  readonly to: string;
}

/** Before and after the life of any machine that runs the specs; `openssl ca` takes dates where `openssl x509` takes days. */
const EARLY = '20200101000000Z';
const PAST = '20210101000000Z';
const LATE = '20991231235959Z';

const OWN_NAMES = 'DNS:localhost,IP:127.0.0.1,IP:::1';

const requests: Readonly<Record<IdentityName, Request>> = {
  server: { names: OWN_NAMES, from: EARLY, to: LATE },
  expired: { names: OWN_NAMES, from: EARLY, to: PAST },
  otherHost: { names: 'DNS:elsewhere.example', from: EARLY, to: LATE },
  client: { names: 'DNS:client.example', from: EARLY, to: LATE },
};

const AUTHORITY = `
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
`;

/**
 * Makes an authority and its certificates with openssl, in a folder of the system's temporary ones.
 * @throws Error when there is no openssl
 */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-certificates-'));
  const file = (name: string) => join(folder, name);
  await writeFile(file('ca.cnf'), AUTHORITY);
  await writeFile(file('index.txt'), '');
  await openssl(
    folder,
    'req',
    '-x509',
    ...newKey('ca'),
    '-subj',
    '/CN=rxjs-redis specs',
    '-days',
    '3650',
    '-out',
    'ca.crt',
  );
  // One after the other, for they share the authority's index.
  for (const name of Object.keys(requests) as IdentityName[]) await sign(folder, name, requests[name]);
  const passphrase = 'pass-phrase';
  await openssl(folder, 'pkey', '-in', 'client.key', '-aes256', '-passout', `pass:${passphrase}`, '-out', 'locked.key');
  const read = (name: string) => readFile(file(name), 'utf8');
  const identity = async (name: IdentityName): Promise<Identity> => ({
    cert: await read(`${name}.crt`),
    key: await read(`${name}.key`),
    certFile: file(`${name}.crt`),
    keyFile: file(`${name}.key`),
  });
  return {
    folder,
    ca: await read('ca.crt'),
    caFile: file('ca.crt'),
    server: await identity('server'),
    expired: await identity('expired'),
    otherHost: await identity('otherHost'),
    client: await identity('client'),
    lockedKey: await read('locked.key'),
    passphrase,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function sign(folder: string, name: IdentityName, { names, from, to }: Request): Promise<void> {
  await writeFile(join(folder, `${name}.ext`), `subjectAltName = ${names}\n`);
  await openssl(folder, 'req', ...newKey(name), '-subj', `/CN=${name}`, '-out', `${name}.csr`);
  const dates = ['-startdate', from, '-enddate', to];
  const by = ['-config', 'ca.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-extfile', `${name}.ext`];
  await openssl(folder, 'ca', '-batch', '-notext', ...by, ...dates, '-in', `${name}.csr`, '-out', `${name}.crt`);
}

function newKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
}

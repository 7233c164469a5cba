export { makeCertificates, type Certificates, type Identity, type IdentityName } from './make-certificates';

import type { IFlattenedRuleSet, IRegularForbiddenRuleType } from 'dependency-cruiser';

/** A floor of the building: what is in it imports from its own and from lower floors. */
interface Layer {
  readonly name: string;
  /** a regular expression over paths from the root of the repository */
  readonly path: string;
}

const FEATURES = ['groups', 'leases', 'pubsub', 'scanning', 'streams', 'freshness'].join('|');

/** From top to bottom, as ARCHITECTURE.md explains them. */
export const layers: readonly Layer[] = [
  { name: 'nestjs', path: '^src/nestjs/' },
  { name: 'ioredis', path: '^src/ioredis/' },
  { name: 'index', path: '^src/index\\.ts$' },
  {
    name: 'clients',
    path: '^src/((redis|pool)(-commands|-view|-pool|-cluster)?|cluster-(core|leases|lender|nodes|notifications|scanning|view|waiting)|carrier-notifications|command-(view|options|streams)|connection-(lender|maker)|dedicated-connection|given-options|inspection|readings|reply-source|unreachable-warning)\\.ts$',
  },
  { name: 'telemetry', path: '^src/telemetry/' },
  { name: 'features', path: `^src/(${FEATURES})/` },
  { name: 'demand', path: '^src/demand/' },
  { name: 'topology', path: '^src/topology/' },
  { name: 'connection', path: '^src/connection/' },
  { name: 'options', path: '^src/(options/|option-checks\\.ts$)' },
  { name: 'commands', path: '^src/commands/' },
  { name: 'resp', path: '^src/resp/' },
  { name: 'errors', path: '^src/errors\\.ts$' },
];

/** The packages that the client may use, by their public entry points: all that a next major of theirs has to keep. */
const PACKAGES = [
  '(^|/)node_modules/rxjs/dist/(cjs|types)/(operators/|testing/)?index\\.(js|d\\.ts)$',
  '(^|/)node_modules/@opentelemetry/api/',
];

/** The packages that only `rxjs-redis/nestjs` uses; all are optional peers. */
const NEST_PACKAGES = ['(^|/)node_modules/@nestjs/', '(^|/)node_modules/socket\\.io(-adapter)?/'];

function downwards(): IRegularForbiddenRuleType[] {
  return layers.slice(1).map(({ name, path }, above) => ({
    name: `${name} imports nothing above it`,
    comment: `imports point down: ${layers.map((layer) => layer.name).join(' > ')}`,
    severity: 'error',
    from: { path },
    to: { path: layers.slice(0, above + 1).map((layer) => layer.path) },
  }));
}

/** What dependency-cruiser is to refuse. */
export const rules: IFlattenedRuleSet = {
  forbidden: [
    ...downwards(),
    {
      name: 'features do not know each other',
      severity: 'error',
      from: { path: `^src/(${FEATURES})/` },
      to: { path: `^src/(${FEATURES})/`, pathNot: '^src/$1/' },
    },
    {
      name: 'every file has its layer',
      comment: 'a new folder needs its place in the list of layers',
      severity: 'error',
      from: { path: '^src/', pathNot: layers.map(({ path }) => path) },
      to: {},
    },
    {
      name: 'every file has its layer',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: layers.map(({ path }) => path) },
    },
    {
      name: 'sockets are the business of connection/socket.ts',
      comment: 'types may be imported anywhere',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/connection/socket\\.ts$' },
      to: { path: '^(node:)?(net|tls)$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'contexts of AsyncLocalStorage are the business of connection/async-context.ts',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/connection/async-context\\.ts$' },
      to: { path: '^(node:)?async_hooks$' },
    },
    {
      name: 'timers are the business of connection/clock.ts',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/connection/clock\\.ts$' },
      to: { path: '^(node:)?(timers|timers/promises|perf_hooks|process)$' },
    },
    {
      name: 'OpenTelemetry is the business of telemetry/',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: { path: '(^|/)node_modules/@opentelemetry/' },
    },
    {
      name: 'src needs rxjs and OpenTelemetry alone, by their public entry points',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/nestjs/' },
      to: { pathNot: ['^src/', ...PACKAGES], dependencyTypesNot: ['core'] },
    },
    ...['nestjs', 'ioredis'].map((entry): IRegularForbiddenRuleType => ({
      name: `${entry} uses the client as users do`,
      comment: 'its build has no copy of the client, so there is one class of each name',
      severity: 'error',
      from: { path: `^src/${entry}/` },
      to: { path: '^src/', pathNot: `^src/(${entry}/|index\\.ts$)` },
    })),
    {
      name: 'what is made for Nest needs Nest and what belongs to it',
      severity: 'error',
      from: { path: '^src/nestjs/' },
      to: { pathNot: ['^src/', ...PACKAGES, ...NEST_PACKAGES], dependencyTypesNot: ['core'] },
    },
    {
      name: 'no cycles',
      comment: 'types are gone when the program runs, so a cycle that needs one of them is none',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'every import leads somewhere',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
};

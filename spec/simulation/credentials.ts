import { Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import type { Credentials } from '../../src/options';

/** What a new connection gets that asks for credentials. */
export type CredentialsManner = 'late' | 'failing' | 'ending' | 'never' | 'malformed';

/** How long credentials take that are late, ms. */
const LATENESS = 20;

/** Where the credentials of a client come from: an Observable that every connection asks anew, and that tells of each rotation. */
export class CredentialsSource {
  password = 'secret0';
  /** Who is signed in no longer hears of rotations. */
  broken = false;
  readonly credentials$: Observable<Credentials>;
  private readonly listeners = new Set<Subscriber<Credentials>>();
  private rotations = 0;

  /** @param manner how it answers the connection that asks just now; at once when there is none */
  constructor(
    clock: SchedulerLike,
    private readonly username: string | undefined,
    manner: () => CredentialsManner | undefined,
  ) {
    this.credentials$ = new Observable((subscriber) => {
      const answer = () => {
        subscriber.next(this.with(this.password));
        this.listeners.add(subscriber);
      };
      subscriber.add(() => this.listeners.delete(subscriber));
      switch (manner()) {
        case undefined:
          answer();
          break;
        case 'late':
          subscriber.add(clock.schedule(answer, LATENESS));
          break;
        case 'failing':
          subscriber.error(new Error('the vault is closed'));
          break;
        case 'ending':
          subscriber.complete();
          break;
        case 'malformed':
          subscriber.next({ password: undefined as unknown as string });
          break;
        case 'never':
          break;
      }
    });
  }

  /** They change; `wrongly` first to what the server refuses. */
  rotate(wrongly: boolean): void {
    if (wrongly) this.tell(`wrong${this.password}`);
    this.tell(`secret${++this.rotations}`);
  }

  /** The source breaks: who is signed in hears of no rotation any more, and who connects anew asks anew. */
  fail(): void {
    this.broken = true;
    for (const listener of [...this.listeners]) listener.error(new Error('the vault has burnt down'));
  }

  private with(password: string): Credentials {
    const { username } = this;
    return username === undefined ? { password } : { username, password };
  }

  private tell(password: string): void {
    this.password = password;
    for (const listener of [...this.listeners]) listener.next(this.with(password));
  }
}

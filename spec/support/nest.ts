import type { INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';

/** What Nest's Logger was told, a line each: the level, the context, the text. */
export class LoggedLines implements LoggerService {
  readonly lines: string[] = [];
  readonly log = this.at('log');
  readonly error = this.at('error');
  readonly warn = this.at('warn');
  readonly debug = this.at('debug');
  readonly verbose = this.at('verbose');

  private at(level: string): (message: unknown, ...more: unknown[]) => void {
    return (message, ...more) => void this.lines.push(`${level} [${String(more.at(-1))}] ${String(message)}`);
  }

  /** The lines of one context. */
  of(context: string): string[] {
    const mark = `[${context}] `;
    return this.lines.filter((line) => line.includes(mark)).map((line) => line.replace(mark, ''));
  }
}

/** Makes testing modules for the specs of a file, and closes them, and what is made of them, after each. */
export function useNest(): {
  readonly compile: (metadata: ModuleMetadata) => Promise<TestingModule>;
  readonly closes: <T extends Pick<INestApplicationContext, 'close'>>(app: T) => T;
  readonly logged: () => LoggedLines;
} {
  const apps: Pick<INestApplicationContext, 'close'>[] = [];
  let logged = new LoggedLines();
  beforeEach(() => {
    logged = new LoggedLines();
  });
  afterEach(async () => {
    for (const app of apps.splice(0).reverse()) await app.close();
  });
  const closes = <T extends Pick<INestApplicationContext, 'close'>>(app: T): T => {
    apps.push(app);
    return app;
  };
  const compile = (metadata: ModuleMetadata) => Test.createTestingModule(metadata).setLogger(logged).compile();
  return { compile, closes, logged: () => logged };
}

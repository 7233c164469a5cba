import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

interface Asked {
  readonly headers: { readonly host?: string; readonly origin?: string };
  readonly socket: { readonly localPort?: number };
}

/** Lets in the page itself alone: no other site, and none whose name leads to this machine. */
@Injectable()
export class LocalGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, socket } = context.switchToHttp().getRequest<Asked>();
    const hosts = ['127.0.0.1', 'localhost'].map((host) => `${host}:${socket.localPort}`);
    return hosts.some(
      (host) => headers.host === host && (headers.origin === undefined || headers.origin === `http://${host}`),
    );
  }
}

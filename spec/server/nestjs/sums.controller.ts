import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { NEVER, Subject, from, of, type Observable } from 'rxjs';

const sumOf = (numbers: number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** Handlers of all shapes, and what they were told. */
@Controller()
export class SumsController {
  readonly notified: unknown[] = [];
  /** ends what `held` has begun */
  readonly release$ = new Subject<void>();
  held = 0;

  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: number[]): number {
    return sumOf(numbers);
  }

  @MessagePattern({ cmd: 'asyncSum' })
  async asyncSum(@Payload() numbers: number[]): Promise<number> {
    return Promise.resolve(sumOf(numbers));
  }

  @MessagePattern({ cmd: 'streamSum' })
  streamSum(@Payload() numbers: number[]): Observable<number> {
    return of(sumOf(numbers));
  }

  @MessagePattern({ cmd: 'streaming' })
  streaming(@Payload() numbers: number[]): Observable<number> {
    return from(numbers);
  }

  @MessagePattern('fails')
  fails(): never {
    throw new RpcException({ status: 418, message: 'a teapot' });
  }

  @MessagePattern('silent')
  silent(): Observable<never> {
    return NEVER;
  }

  @MessagePattern('held')
  async heldBack(): Promise<string> {
    this.held++;
    await new Promise<void>((resolve) => this.release$.subscribe(() => resolve()));
    return 'released';
  }

  @EventPattern('notification')
  notification(@Payload() data: unknown): void {
    this.notified.push(data);
  }
}

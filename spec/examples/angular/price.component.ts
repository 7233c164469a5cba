import { ChangeDetectionStrategy, Component, InjectionToken, inject } from '@angular/core';
import { pendingUntilEvent, toSignal } from '@angular/core/rxjs-interop';
import type { Observable } from 'rxjs';

/** The price now, and whenever it changes. In a browser these are server-sent events, and on the server a live query. */
export const PRICE = new InjectionToken<Observable<string>>('price');

@Component({
  selector: 'app-price',
  template: '<p>The price is <b>{{ price() }}</b>.</p>',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class PriceComponent {
  // A page is rendered on the server once the first value is there.
  readonly price = toSignal(inject(PRICE).pipe(pendingUntilEvent()), { initialValue: '…' });
}

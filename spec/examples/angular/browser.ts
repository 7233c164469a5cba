import '@angular/compiler';
import { provideZonelessChangeDetection } from '@angular/core';
import { bootstrapApplication, provideClientHydration } from '@angular/platform-browser';
import { Observable } from 'rxjs';
import { PRICE, PriceComponent } from './price.component';

/** The data of server-sent events. A browser connects again by itself. */
function eventsOf(url: string): Observable<string> {
  return new Observable((subscriber) => {
    const source = new EventSource(url);
    source.onmessage = ({ data }) => subscriber.next(data as string);
    return () => source.close();
  });
}

void bootstrapApplication(PriceComponent, {
  providers: [
    provideZonelessChangeDetection(),
    provideClientHydration(),
    { provide: PRICE, useFactory: () => eventsOf('/price') },
  ],
});

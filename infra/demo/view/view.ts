import type { Observable } from 'rxjs';
import type { Dashboard } from '../model/dashboard';
import type { Show } from '../show';

/** A way to see a show: what is written while it runs. */
export interface View {
  readonly text: (show: Show) => Observable<string>;
  /** Written when the show is over, however it ended: undoes what the text did to the terminal. */
  readonly farewell: string;
  /** What stays when the show is over. */
  readonly memento: (last: Dashboard) => string;
}

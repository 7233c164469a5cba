import { describeMutations } from './mutation-block';

describeMutations(1);

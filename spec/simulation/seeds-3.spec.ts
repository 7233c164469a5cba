import { describeSeeds } from './seed-block';

describeSeeds(2);

import { describeSeeds } from './seed-block';

describeSeeds(3);

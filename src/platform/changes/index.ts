export { ChangeFeed, type ChangeFeedParts } from './change-feed.js';
export { FeedFollower } from './feed-follower.js';
export { writeChanges } from './change-log.js';
export type { Change, ChangeKind } from './change.js';
export { ReadThrough } from './read-through.js';

/** What the dispatches bind. */
export type PlaceName = 'X' | 'parts' | 'state' | 'Q' | 'C' | 'room' | 'norms' | 'grams' | 'T';

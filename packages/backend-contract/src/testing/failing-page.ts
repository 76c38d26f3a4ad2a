throw new RangeError('nothing to see here');

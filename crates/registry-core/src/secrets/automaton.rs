//! Search for many values at once by an Aho-Corasick automaton ("Efficient string matching", 1975).

/// Range of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Normalised byte for comparison: letter case is ignored, and so is the spelling of a space in a query (`+` or a
/// blank).
const fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        byte => byte.to_ascii_lowercase(),
    }
}

/// Number of a state. The root is 0; as a link, 0 means that there is none.
type StateId = u32;
const ROOT: StateId = 0;

/// State of the automaton: a prefix of a value.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Last byte of the prefix.
    byte: u8,
    /// First prefix that is one byte longer.
    child: StateId,
    /// Next prefix that differs in its last byte.
    sibling: StateId,
    /// Longest other prefix that this prefix ends with.
    fail: StateId,
    /// Length of the prefix.
    depth: u32,
    /// Length of the longest value that the prefix ends with; 0 when there is none.
    ends: u32,
}

/// Builder of the automaton.
#[derive(Default)]
pub(super) struct AutomatonBuilder {
    states: Vec<State>,
    starts: StartPairs,
}

impl AutomatonBuilder {
    /// Adds a value. Values shorter than [`StartPairs::WINDOW`] bytes are ignored.
    pub(super) fn add(&mut self, value: &[u8]) {
        if !self.starts.add(value) {
            return;
        }
        if self.states.is_empty() {
            self.states.reserve_exact(value.len() + 1);
            self.states.push(State::default());
        }
        let mut state = ROOT;
        for byte in value {
            let known = child(&self.states, state, fold(*byte));
            state = known.unwrap_or_else(|| self.grow(state, fold(*byte)));
        }
        if let Some(last) = self.states.get_mut(index(state)) {
            last.ends = last.depth;
        }
    }

    fn grow(&mut self, from: StateId, byte: u8) -> StateId {
        let id = StateId::try_from(self.states.len()).unwrap_or(ROOT);
        let Some(parent) = self.states.get_mut(index(from)) else { return ROOT };
        let sibling = std::mem::replace(&mut parent.child, id);
        let depth = parent.depth + 1;
        self.states.push(State { byte, sibling, depth, ..State::default() });
        id
    }

    /// Builds the automaton.
    pub(super) fn build(mut self) -> Automaton {
        // Level by level: the fail link of a state leads to a state nearer to the root.
        let mut order = Vec::with_capacity(self.states.len());
        order.push(ROOT);
        let mut next = 0;
        while let Some(&from) = order.get(next) {
            next += 1;
            let mut id = state_of(&self.states, from).child;
            while id != ROOT {
                self.link(from, id);
                order.push(id);
                id = state_of(&self.states, id).sibling;
            }
        }
        Automaton { states: self.states.into(), starts: self.starts }
    }

    fn link(&mut self, parent: StateId, id: StateId) {
        let byte = state_of(&self.states, id).byte;
        let fail =
            if parent == ROOT { ROOT } else { step(&self.states, state_of(&self.states, parent).fail, byte) };
        let inherited = state_of(&self.states, fail).ends;
        if let Some(state) = self.states.get_mut(index(id)) {
            state.fail = fail;
            state.ends = state.ends.max(inherited);
        }
    }
}

/// Automaton for a set of values.
pub(super) struct Automaton {
    states: Box<[State]>,
    starts: StartPairs,
}

impl Automaton {
    /// Reports the ranges of values in a text; they may overlap.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Span)) {
        let (mut state, mut at) = (ROOT, 0);
        loop {
            if state == ROOT {
                let Some(start) = self.starts.next(text, at) else { return };
                at = start;
            }
            let Some(byte) = text.get(at) else { return };
            state = step(&self.states, state, fold(*byte));
            at += 1;
            let ends = index(state_of(&self.states, state).ends);
            if ends > 0 {
                found(Span { start: at.saturating_sub(ends), end: at });
            }
        }
    }
}

/// Hashed set of the byte pairs that occur in the first [`Self::WINDOW`] bytes of values. Most texts hold no value:
/// where none of the pairs occurs, the search skips almost a whole window.
#[derive(Clone)]
pub(super) struct StartPairs([u64; 64]);

impl Default for StartPairs {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl StartPairs {
    /// Number of leading bytes of each value that are looked at.
    pub(super) const WINDOW: usize = 8;

    /// Adds a value; returns `false` when it is shorter than the window.
    pub(super) fn add(&mut self, value: &[u8]) -> bool {
        let Some(window) = value.get(..Self::WINDOW) else { return false };
        for (one, other) in window.iter().zip(window.iter().skip(1)) {
            let (word, bit) = Self::place(*one, *other);
            if let Some(word) = self.0.get_mut(word) {
                *word |= 1 << bit;
            }
        }
        true
    }

    /// Returns the first position from `from` on where a value may begin.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let [one, other] = *text.get(at + Self::WINDOW - 2..at + Self::WINDOW)? else { return None };
            let (word, bit) = Self::place(one, other);
            if self.0.get(word).is_some_and(|word| word >> bit & 1 == 1) {
                return Some(at);
            }
            at += Self::WINDOW - 1;
        }
    }

    fn place(one: u8, other: u8) -> (usize, u32) {
        let hash = (u32::from(fold(one)) * 37) ^ u32::from(fold(other));
        (index(hash >> 6 & 63), hash & 63)
    }
}

/// Returns the longest prefix of a value that a text ends with once `byte` follows `state`.
fn step(states: &[State], mut state: StateId, byte: u8) -> StateId {
    loop {
        if let Some(next) = child(states, state, byte) {
            return next;
        }
        if state == ROOT {
            return ROOT;
        }
        state = state_of(states, state).fail;
    }
}

fn child(states: &[State], state: StateId, byte: u8) -> Option<StateId> {
    let mut id = state_of(states, state).child;
    while id != ROOT {
        let state = state_of(states, id);
        if state.byte == byte {
            return Some(id);
        }
        id = state.sibling;
    }
    None
}

fn state_of(states: &[State], id: StateId) -> State {
    states.get(index(id)).copied().unwrap_or_default()
}

const fn index(id: u32) -> usize {
    id as usize
}

//! The search for many values at once: the automaton of Aho and Corasick ("Efficient string matching", 1975).

/// A stretch of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A byte as it is compared: without case, and with the two spellings of a space in a query as one.
const fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        byte => byte.to_ascii_lowercase(),
    }
}

/// Number of a state. The root is 0; as a link, 0 means that there is none.
type StateId = u32;
const ROOT: StateId = 0;

/// A beginning of a value.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The last byte of the beginning.
    byte: u8,
    /// The first of the beginnings that are one byte longer.
    child: StateId,
    /// The next beginning that differs in its last byte.
    sibling: StateId,
    /// The longest other beginning that this one ends with.
    fail: StateId,
    /// How long it is.
    depth: u32,
    /// The length of the longest value that it ends with; 0 when there is none.
    ends: u32,
}

/// Collects values.
#[derive(Default)]
pub(super) struct AutomatonBuilder {
    states: Vec<State>,
}

impl AutomatonBuilder {
    /// Adds a value. An empty one is left out.
    pub(super) fn add(&mut self, value: &[u8]) {
        if value.is_empty() {
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

    /// The automaton.
    pub(super) fn build(mut self) -> Automaton {
        // Level by level: the fail link of a state leads to one that is nearer to the root.
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
        let mut first = [0_u64; 4];
        let mut id = state_of(&self.states, ROOT).child;
        while id != ROOT {
            let state = state_of(&self.states, id);
            if let Some(word) = first.get_mut(usize::from(state.byte >> 6)) {
                *word |= 1 << (state.byte & 63);
            }
            id = state.sibling;
        }
        Automaton { states: self.states.into(), first }
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

/// The search for a set of values.
pub(super) struct Automaton {
    states: Box<[State]>,
    /// The first bytes of all values, as a set of bits.
    first: [u64; 4],
}

impl Automaton {
    /// Reports where values stand in a text; they may overlap.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Span)) {
        let mut state = ROOT;
        for (at, byte) in text.iter().enumerate() {
            let byte = fold(*byte);
            if state == ROOT && !self.begins_with(byte) {
                continue;
            }
            state = step(&self.states, state, byte);
            let ends = index(state_of(&self.states, state).ends);
            if ends > 0 {
                found(Span { start: (at + 1).saturating_sub(ends), end: at + 1 });
            }
        }
    }

    fn begins_with(&self, byte: u8) -> bool {
        self.first.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }
}

/// The longest beginning of a value that a text ends with once `byte` follows what led to `state`.
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

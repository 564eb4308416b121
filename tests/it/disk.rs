//! A disk that forgets: SQLite's calls to the system are written down as they happen, and from them
//! the files are built as a power cut would have left them (the model of SQLite's own crash tests).
#![allow(unsafe_code)] // SQLite is told of a file system by C structures; in this file alone

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};

use gerege::rng::Rng;
use libsqlite3_sys as ffi;

/// The name by which a database asks for this disk: `file:PATH?vfs=forgetful`.
pub const NAME: &str = "forgetful";

/// One that writes nothing down, for looking at what a cut left. Neither waits for a real disk:
/// nothing here is to outlive the test.
pub const HASTY: &str = "hasty";

/// What one write of a disk takes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// A call that changed something, in the order of the calls.
#[derive(Clone, Debug)]
pub enum Call {
    /// A file that was not there.
    Create,
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(usize),
    /// All before it is on the disk.
    Sync,
    /// With the folder's entry, for good or not yet.
    Delete {
        for_good: bool,
    },
}

/// A call and the file that it was made on, by the end of its name: `gerege.db-wal`.
pub type Step = (String, Call);

static STEPS: Mutex<BTreeMap<String, Vec<Step>>> = Mutex::new(BTreeMap::new());

fn steps() -> std::sync::MutexGuard<'static, BTreeMap<String, Vec<Step>>> {
    STEPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many calls a folder's files have seen.
pub fn count(folder: &Path) -> usize {
    let all = steps();
    all.get(&folder.display().to_string()).map_or(0, Vec::len)
}

/// The calls that a folder's files have seen; they are forgotten here.
pub fn take(folder: &Path) -> Vec<Step> {
    let mut all = steps();
    all.remove(&folder.display().to_string())
        .unwrap_or_default()
}

/// Runs a call, and writes it down with the others while nothing comes between.
fn note(path: &str, call: Call, run: impl FnOnce() -> c_int) -> c_int {
    let mut all = steps();
    let code = run();
    if code == ffi::SQLITE_OK
        && let Some((folder, name)) = path.rsplit_once('/')
    {
        let steps = all.entry(folder.to_owned()).or_default();
        steps.push((name.to_owned(), call));
    }
    code
}

// --- what SQLite sees ------------------------------------------------------------------------

/// An open file: ours in front, the real one behind it in the same memory.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// Nothing where nothing is written down.
    path: *mut c_char,
}

unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

unsafe fn path<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a str> {
    let path = unsafe { (*file.cast::<File>()).path };
    if path.is_null() {
        return None;
    }
    unsafe { CStr::from_ptr(path) }.to_str().ok()
}

fn below() -> *mut ffi::sqlite3_vfs {
    unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) }
}

/// Hands a call on to the real file.
macro_rules! pass {
    ($file:ident . $method:ident ( $($argument:expr),* )) => {
        unsafe {
            let real = real($file);
            match (*(*real).pMethods).$method {
                Some(method) => method(real, $($argument),*),
                None => ffi::SQLITE_IOERR,
            }
        }
    };
}

unsafe extern "C" fn open(
    own: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let kept = ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL;
    unsafe {
        let ours = file.cast::<File>();
        (*ours).base.pMethods = std::ptr::null();
        (*ours).path = std::ptr::null_mut();
        let watched = !name.is_null() && CStr::from_ptr((*own).zName).to_bytes() == NAME.as_bytes();
        let text = watched.then(|| CStr::from_ptr(name).to_owned());
        let is_new = text
            .as_ref()
            .is_some_and(|text| !Path::new(&*text.to_string_lossy()).exists());
        let run = || {
            let vfs = below();
            (*vfs).xOpen.map_or(ffi::SQLITE_ERROR, |open| {
                open(vfs, name, real(file), flags, out)
            })
        };
        let code = match text {
            Some(text) if flags & kept != 0 => {
                let path = text.to_string_lossy().into_owned();
                (*ours).path = text.into_raw();
                if is_new {
                    note(&path, Call::Create, run)
                } else {
                    run()
                }
            }
            _ => run(),
        };
        if !(*real(file)).pMethods.is_null() {
            (*ours).base.pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn delete(
    own: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    unsafe {
        let run = || {
            let vfs = below();
            (*vfs)
                .xDelete
                .map_or(ffi::SQLITE_ERROR, |delete| delete(vfs, name, 0))
        };
        if CStr::from_ptr((*own).zName).to_bytes() != NAME.as_bytes() {
            return run();
        }
        let path = CStr::from_ptr(name).to_string_lossy();
        let for_good = sync_folder != 0;
        note(&path, Call::Delete { for_good }, run)
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = pass!(file.xClose());
    unsafe {
        let ours = file.cast::<File>();
        if !(*ours).path.is_null() {
            drop(CString::from_raw((*ours).path));
            (*ours).path = std::ptr::null_mut();
        }
    }
    code
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    length: c_int,
    at: i64,
) -> c_int {
    pass!(file.xRead(into, length, at))
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    let run = || pass!(file.xWrite(from, length, at));
    let Some(path) = (unsafe { path(file) }) else {
        return run();
    };
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length as usize) };
    let call = Call::Write {
        at: at as usize,
        bytes: bytes.to_vec(),
    };
    note(path, call, run)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let run = || pass!(file.xTruncate(size));
    match unsafe { path(file) } {
        Some(path) => note(path, Call::Truncate(size as usize), run),
        None => run(),
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    match unsafe { path(file) } {
        Some(path) => note(path, Call::Sync, || ffi::SQLITE_OK),
        None => ffi::SQLITE_OK,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    pass!(file.xFileSize(size))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file.xLock(level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass!(file.xUnlock(level))
}

unsafe extern "C" fn reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    pass!(file.xCheckReservedLock(out))
}

unsafe extern "C" fn control(
    file: *mut ffi::sqlite3_file,
    op: c_int,
    argument: *mut c_void,
) -> c_int {
    pass!(file.xFileControl(op, argument))
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file.xSectorSize())
}

unsafe extern "C" fn traits(file: *mut ffi::sqlite3_file) -> c_int {
    pass!(file.xDeviceCharacteristics())
}

// The index of the log in shared memory: no part of the disk, made anew after a cut.
unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    pass!(file.xShmMap(page, size, extend, out))
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    at: c_int,
    n: c_int,
    flags: c_int,
) -> c_int {
    pass!(file.xShmLock(at, n, flags))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    unsafe {
        let real = real(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass!(file.xShmUnmap(delete))
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without the third version's memory maps, so that every write is a call.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(traits),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes both known to SQLite, beside the real one. Only a database that asks for one by name is
/// on it.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for name in [NAME, HASTY] {
            unsafe {
                let real = below();
                assert!(!real.is_null());
                let vfs = Box::new(ffi::sqlite3_vfs {
                    szOsFile: size_of::<File>() as c_int + (*real).szOsFile,
                    zName: CString::new(name).unwrap().into_raw(),
                    pNext: std::ptr::null_mut(),
                    xOpen: Some(open),
                    xDelete: Some(delete),
                    ..*real
                });
                // It stays for as long as the process.
                assert_eq!(ffi::sqlite3_vfs_register(Box::leak(vfs), 0), ffi::SQLITE_OK);
            }
        }
    });
}

// --- what a cut leaves -----------------------------------------------------------------------

/// What becomes of calls that no sync was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// All are there: the process ended, the machine did not.
    Kept,
    /// None is.
    Lost,
    /// All but the last; of that one a few sectors.
    Torn,
    /// Sectors of any of them, in any order.
    Scattered,
}

/// One file, as far as the disk and the system have it.
#[derive(Clone, Default)]
struct State {
    /// On the disk for good; nothing where there is no file.
    firm: Option<Vec<u8>>,
    /// Calls since the last sync.
    loose: Vec<Call>,
}

/// The files of a folder, as calls come in.
#[derive(Clone, Default)]
pub struct Disk(BTreeMap<String, State>);

impl Disk {
    /// A file that was there before the first call.
    pub fn with(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.0.insert(
            name.to_owned(),
            State {
                firm: Some(bytes),
                loose: Vec::new(),
            },
        );
        self
    }

    /// The next call. `deaf`: the disk says that it has synced, and has not.
    pub fn take(&mut self, (name, call): &Step, deaf: bool) {
        let state = self.0.entry(name.clone()).or_default();
        match call {
            Call::Sync if deaf => {}
            Call::Sync => {
                let loose = std::mem::take(&mut state.loose);
                for call in &loose {
                    apply(&mut state.firm, call, &mut |_| true);
                }
                // The first sync of a journal or log syncs its folder too, and so every entry.
                if loose.iter().any(|call| matches!(call, Call::Create)) {
                    self.sync_folder();
                }
            }
            Call::Delete { for_good: true } => *state = State::default(),
            other => state.loose.push(other.clone()),
        }
    }

    fn sync_folder(&mut self) {
        for state in self.0.values_mut() {
            let gone = state
                .loose
                .iter()
                .rposition(|call| matches!(call, Call::Delete { .. }));
            if let Some(at) = gone {
                state.loose.drain(..=at);
                state.firm = None;
            }
        }
    }

    /// The files after a cut here.
    pub fn cut(&self, unsynced: Unsynced, rng: &Rng) -> BTreeMap<String, Vec<u8>> {
        let coin = || {
            let mut byte = [0];
            rng.fill(&mut byte);
            usize::from(byte[0])
        };
        let mut files = BTreeMap::new();
        for (name, state) in &self.0 {
            let mut bytes = state.firm.clone();
            let last = state.loose.len().saturating_sub(1);
            let kept = coin() % 8;
            for (at, call) in state.loose.iter().enumerate() {
                match unsynced {
                    Unsynced::Kept => apply(&mut bytes, call, &mut |_| true),
                    Unsynced::Lost => break,
                    Unsynced::Torn if at < last => apply(&mut bytes, call, &mut |_| true),
                    Unsynced::Torn => apply(&mut bytes, call, &mut |sector| sector < kept),
                    Unsynced::Scattered => apply(&mut bytes, call, &mut |_| coin() % 4 > 0),
                }
            }
            if let Some(bytes) = bytes {
                files.insert(name.clone(), bytes);
            }
        }
        files
    }
}

/// Lets a call happen, as far as `sector` says: it is asked for each sector of a write, by its place
/// in it, and once for what has no parts.
fn apply(file: &mut Option<Vec<u8>>, call: &Call, sector: &mut dyn FnMut(usize) -> bool) {
    match call {
        Call::Create => {
            if file.is_none() && sector(0) {
                *file = Some(Vec::new());
            }
        }
        Call::Write { at, bytes } => {
            let (mut done, mut number) = (0, 0);
            while done < bytes.len() {
                // Up to the next edge of a sector of the disk.
                let here = at + done;
                let end = (SECTOR - here % SECTOR).min(bytes.len() - done) + done;
                // Without a file there is nothing to write to: its entry was lost.
                if sector(number)
                    && let Some(file) = file
                {
                    if file.len() < here + end - done {
                        file.resize(here + end - done, 0);
                    }
                    file[here..here + end - done].copy_from_slice(&bytes[done..end]);
                }
                (done, number) = (end, number + 1);
            }
        }
        Call::Truncate(size) => {
            if sector(0)
                && let Some(file) = file
            {
                file.resize(*size, 0);
            }
        }
        Call::Delete { .. } => {
            if sector(0) {
                *file = None;
            }
        }
        Call::Sync => {}
    }
}

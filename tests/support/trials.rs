//! The trials of a test program with a `main` of its own, which its tests start as another process too.

/// These functions as trials, each by its name.
macro_rules! trials {
    ($($(#[$where:meta])* $test:ident),* $(,)?) => {
        Vec::from([$(
            $(#[$where])*
            libtest_mimic::Trial::test(stringify!($test), || {
                $test();
                Ok(())
            })
        ),*])
    };
}
pub(crate) use trials;

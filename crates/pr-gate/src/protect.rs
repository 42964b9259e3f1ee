//! Branch protection and CODEOWNERS: what is asked of GitHub.

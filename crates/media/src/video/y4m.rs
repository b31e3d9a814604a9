//! Pictures from YUV4MPEG2 files (4:2:0, 8 bits), such as `ffmpeg -pix_fmt yuv420p out.y4m` writes.

use super::picture::Picture;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
    time::Instant,
};

/// The longest header line that makes sense.
const LONGEST_LINE: u64 = 1_024;
/// The largest side.
const LARGEST: usize = 4_096;

/// A file that is no picture we can read.
#[derive(Debug, thiserror::Error)]
pub enum Y4mError {
    /// Not there or not readable.
    #[error("the picture file cannot be read: {0}")]
    File(#[from] io::Error),
    /// Another format.
    #[error("the picture file is not YUV4MPEG2 with 4:2:0 and 8 bits")]
    Format,
}

/// An open file.
#[derive(Debug)]
pub struct Y4m {
    file: BufReader<File>,
    width: usize,
    height: usize,
    frames_per_second: f64,
    first: u64,
}

impl Y4m {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where it is not there or of another format.
    pub fn open(path: &Path) -> Result<Self, Y4mError> {
        let mut file = BufReader::new(File::open(path)?);
        let header = line(&mut file)?;
        let mut words = header.split_ascii_whitespace();
        if words.next() != Some("YUV4MPEG2") {
            return Err(Y4mError::Format);
        }
        let (mut width, mut height, mut frames_per_second) = (0, 0, 30.0);
        for word in words {
            let Some((name, value)) = word.split_at_checked(1) else {
                continue;
            };
            match name {
                "W" => width = value.parse().map_err(|_| Y4mError::Format)?,
                "H" => height = value.parse().map_err(|_| Y4mError::Format)?,
                "F" => frames_per_second = rate(value).ok_or(Y4mError::Format)?,
                "C" if !value.starts_with("420") || value.contains("p1") => {
                    return Err(Y4mError::Format);
                }
                _ => {}
            }
        }
        let fits = |side: usize| side > 0 && side.is_multiple_of(2) && side <= LARGEST;
        if !fits(width) || !fits(height) {
            return Err(Y4mError::Format);
        }
        let first = file.stream_position()?;
        Ok(Self {
            file,
            width,
            height,
            frames_per_second,
            first,
        })
    }

    /// Pictures a second.
    pub fn frames_per_second(&self) -> f64 {
        self.frames_per_second
    }

    /// The next picture; after the last comes the first again.
    ///
    /// # Errors
    /// Where the file cannot be read or holds no whole picture.
    pub fn next(&mut self, at: Instant) -> Result<Picture, Y4mError> {
        if self.file.fill_buf()?.is_empty() {
            self.file.seek(SeekFrom::Start(self.first))?;
        }
        if !line(&mut self.file)?.starts_with("FRAME") {
            return Err(Y4mError::Format);
        }
        let mut data = vec![0; self.width * self.height * 3 / 2];
        self.file.read_exact(&mut data)?;
        Picture::from_i420(self.width, self.height, data, at).ok_or(Y4mError::Format)
    }
}

fn line(file: &mut BufReader<File>) -> Result<String, Y4mError> {
    let mut line = String::new();
    file.take(LONGEST_LINE).read_line(&mut line)?;
    if line.ends_with('\n') {
        Ok(line)
    } else {
        Err(Y4mError::Format)
    }
}

fn rate(value: &str) -> Option<f64> {
    let (over, under) = value.split_once(':')?;
    let rate = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    (rate > 0.0 && rate <= 240.0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn two_pictures_play_over_and_over() {
        let mut bytes = b"YUV4MPEG2 W4 H2 F30000:1001 Ip C420jpeg\n".to_vec();
        for fill in [10, 20] {
            bytes.extend_from_slice(b"FRAME\n");
            bytes.extend_from_slice(&[fill; 12]);
        }
        let file = written(&bytes);
        let mut y4m = Y4m::open(file.path()).unwrap();
        assert!((y4m.frames_per_second() - 29.97).abs() < 0.01);
        let now = Instant::now();
        let seen: Vec<u8> = (0..5).map(|_| y4m.next(now).unwrap().data[0]).collect();
        assert_eq!(seen, [10, 20, 10, 20, 10]);
    }

    #[test]
    fn what_is_no_picture_says_so() {
        for bytes in [
            &b""[..],
            b"RIFF and so on\n",
            b"YUV4MPEG2 W4 H2 C444\nFRAME\n",
            b"YUV4MPEG2 W3 H2\n",
            b"YUV4MPEG2 W99999999 H2\n",
        ] {
            assert!(Y4m::open(written(bytes).path()).is_err());
        }
        let cut = written(b"YUV4MPEG2 W4 H2 F30:1\nFRAME\nshort");
        assert!(Y4m::open(cut.path()).unwrap().next(Instant::now()).is_err());
    }
}

//! Opus (RFC 6716), one channel at 48 kHz.

use super::{PACKET, RATE};
use opus::{Application, Bitrate, Channels};

/// Bits a second: wide-band speech with room for the redundancy of in-band FEC.
const BITRATE: i32 = 40_000;
/// The loss that redundancy is made for, percent. Below about 5 the encoder makes none.
const EXPECTED_LOSS: i32 = 10;
/// Of 10: what real-time encoders on desktops use, 1 to 2 % of a core.
const COMPLEXITY: i32 = 9;
/// A packet stays within one datagram.
const LARGEST: usize = 1_200;
/// 120 ms, the longest packet there is.
const LONGEST: usize = 5_760;

/// The codec refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("opus: {0}")]
pub struct CodecError(String);

impl From<opus::Error> for CodecError {
    fn from(error: opus::Error) -> Self {
        Self(error.description().to_owned())
    }
}

/// From sound to packets of 20 ms.
pub struct Encoder {
    inner: opus::Encoder,
    buffer: Vec<u8>,
}

impl Encoder {
    /// For speech, with in-band FEC; silence is sent like sound.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn new() -> Result<Self, CodecError> {
        let mut inner = opus::Encoder::new(RATE, Channels::Mono, Application::Voip)?;
        inner.set_bitrate(Bitrate::Bits(BITRATE))?;
        inner.set_complexity(COMPLEXITY)?;
        inner.set_inband_fec(true)?;
        inner.set_packet_loss_perc(EXPECTED_LOSS)?;
        inner.set_dtx(false)?;
        Ok(Self {
            inner,
            buffer: vec![0; LARGEST],
        })
    }

    /// Encodes 20 ms.
    ///
    /// # Errors
    /// Where the codec fails inside.
    pub fn encode(&mut self, pcm: &[f32; PACKET]) -> Result<&[u8], CodecError> {
        let length = self.inner.encode_float(pcm, &mut self.buffer)?;
        Ok(self.buffer.get(..length).unwrap_or_default())
    }
}

/// From packets to sound.
pub struct Decoder {
    inner: opus::Decoder,
    buffer: Vec<f32>,
}

impl Decoder {
    /// A decoder that has heard nothing yet.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            inner: opus::Decoder::new(RATE, Channels::Mono)?,
            buffer: vec![0.0; LONGEST],
        })
    }

    /// Decodes a packet.
    ///
    /// # Errors
    /// Where it is not Opus.
    pub fn decode(&mut self, packet: &[u8]) -> Result<&[f32], CodecError> {
        // To the codec an empty packet means a lost one.
        if packet.is_empty() {
            return Err(CodecError("empty packet".to_owned()));
        }
        let length = self.inner.decode_float(packet, &mut self.buffer, false)?;
        Ok(self.buffer.get(..length).unwrap_or_default())
    }

    /// Recovers the lost packet before `next` from the redundancy in it; without any it conceals.
    ///
    /// # Errors
    /// Where `next` is not Opus.
    pub fn recover(&mut self, next: &[u8], samples: usize) -> Result<&[f32], CodecError> {
        self.fill(next, samples, true)
    }

    /// Makes up what is like the sound before, fading out over some packets.
    ///
    /// # Errors
    /// Where the codec fails inside.
    pub fn conceal(&mut self, samples: usize) -> Result<&[f32], CodecError> {
        self.fill(&[], samples, false)
    }

    fn fill(&mut self, packet: &[u8], samples: usize, fec: bool) -> Result<&[f32], CodecError> {
        let samples = samples.min(LONGEST);
        let output = self.buffer.get_mut(..samples).unwrap_or_default();
        let length = self.inner.decode_float(packet, output, fec)?;
        Ok(self.buffer.get(..length).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vowel(packet: usize) -> [f32; PACKET] {
        std::array::from_fn(|i| {
            let t = (packet * PACKET + i) as f32 / RATE as f32;
            let tone = |hz: f32| (t * hz * std::f32::consts::TAU).sin();
            0.2 * tone(140.0) + 0.15 * tone(280.0) + 0.1 * tone(700.0)
        })
    }

    fn energy(pcm: &[f32]) -> f32 {
        pcm.iter().map(|s| s * s).sum::<f32>() / pcm.len() as f32
    }

    #[test]
    fn a_vowel_comes_back_as_loud_as_it_went() {
        let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
        let mut out = Vec::new();
        for packet in 0..50 {
            let bytes = encoder.encode(&vowel(packet)).unwrap().to_vec();
            out.extend_from_slice(decoder.decode(&bytes).unwrap());
        }
        assert_eq!(out.len(), 50 * PACKET);
        let ratio = energy(&out[20 * PACKET..]) / energy(&vowel(0));
        assert!((0.7..1.4).contains(&ratio), "energy ratio {ratio}");
    }

    #[test]
    fn a_lost_packet_is_recovered_from_the_next_one() {
        let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
        for packet in 0..30 {
            let bytes = encoder.encode(&vowel(packet)).unwrap().to_vec();
            decoder.decode(&bytes).unwrap();
        }
        encoder.encode(&vowel(30)).unwrap();
        let next = encoder.encode(&vowel(31)).unwrap().to_vec();
        let recovered = decoder.recover(&next, PACKET).unwrap();
        assert_eq!(recovered.len(), PACKET);
        assert!(energy(recovered) > 0.5 * energy(&vowel(30)));
    }

    #[test]
    fn garbage_is_an_error_and_does_no_harm() {
        let mut decoder = Decoder::new().unwrap();
        assert!(decoder.decode(&[]).is_err());
        assert!(decoder.decode(&[0xff; 3]).is_err());
        assert_eq!(decoder.conceal(PACKET).unwrap().len(), PACKET);
    }
}

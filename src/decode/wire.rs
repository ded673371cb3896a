//! Walks messages in protobuf's wire format, without copying and without a schema.
//!
//! Groups (wire types 3 and 4) are errors: OTLP never had any, and walking them would need a stack.

/// Why bytes are not a protobuf message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("it ends in the middle of a field")]
    Truncated,
    #[error("a number of more than 64 bits")]
    TooWide,
    #[error("{0} is no field number")]
    Field(u64),
    #[error("field {field} has wire type {found}, which OTLP does not use")]
    WireType { field: u32, found: u8 },
    #[error("field {0} is no message")]
    NoMessage(u32),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    pub number: u32,
    pub content: Content<'a>,
}

/// The content of a field, as far as it is known without a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    Varint,
    Fixed64,
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
    Fixed32,
}

impl<'a> Field<'a> {
    /// The content of a field that is a text, bytes or a message; an error for any other.
    pub fn bytes(&self) -> Result<&'a [u8], WireError> {
        match self.content {
            Content::Bytes(bytes) => Ok(bytes),
            Content::Varint | Content::Fixed64 | Content::Fixed32 => Err(WireError::NoMessage(self.number)),
        }
    }
}

/// The fields of a message, in the order sent. Ends after the first error.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// The fields of a message, each with the bytes that it was sent as, its number included.
pub fn raw_fields(message: &[u8]) -> impl Iterator<Item = Result<(Field<'_>, &[u8]), WireError>> {
    let mut fields = fields(message);
    std::iter::from_fn(move || {
        let before = fields.rest;
        let field = fields.next()?;
        let length = before.len() - fields.rest.len();
        Some(field.map(|field| (field, before.get(..length).unwrap_or_default())))
    })
}

/// The messages in the fields of one number; all other fields are skipped.
pub fn messages(message: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], WireError>> {
    fields(message).filter_map(move |field| match field {
        Ok(field) => (field.number == number).then(|| field.bytes()),
        Err(error) => Some(Err(error)),
    })
}

/// See [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or(WireError::Field(key >> 3))?;
        let content = match key & 7 {
            0 => {
                self.varint()?;
                Content::Varint
            }
            1 => {
                self.take(8)?;
                Content::Fixed64
            }
            2 => {
                let length = self.varint()?;
                Content::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Content::Fixed32
            }
            other => return Err(WireError::WireType { field: number, found: other.to_le_bytes()[0] }),
        };
        Ok(Field { number, content })
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(length).map_err(|_| WireError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        const LONGEST: usize = 10;
        let start = self.rest;
        prost::encoding::decode_varint(&mut self.rest).map_err(|_| {
            let is_cut = start.len() < LONGEST && start.iter().all(|byte| byte & 0x80 != 0);
            if is_cut { WireError::Truncated } else { WireError::TooWide }
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(message: &[u8]) -> Result<Vec<u32>, WireError> {
        fields(message).map(|field| field.map(|field| field.number)).collect()
    }

    #[test]
    fn every_kind_of_field_is_walked_and_one_picked() {
        let message = b"\x08\x96\x01\x12\x02hi\x19........\x25....\x12\x00";
        assert_eq!(walked(message), Ok(vec![1, 2, 3, 4, 2]));
        assert_eq!(messages(message, 2).collect::<Result<Vec<_>, _>>(), Ok(vec![&b"hi"[..], b""]));
        assert_eq!(messages(message, 1).next(), Some(Err(WireError::NoMessage(1))));
    }

    #[test]
    fn what_is_not_protobuf_is_refused_once() {
        assert_eq!(walked(b"\x12\x03hi"), Err(WireError::Truncated));
        assert_eq!(walked(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Err(WireError::Truncated));
        assert_eq!(walked(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), Err(WireError::TooWide));
        assert_eq!(walked(b"\x08\xff\xff"), Err(WireError::Truncated));
        assert_eq!(walked(b"\x02\x00"), Err(WireError::Field(0)));
        assert_eq!(walked(b"\x0b\x0c"), Err(WireError::WireType { field: 1, found: 3 }));
        assert_eq!(fields(b"\x0b\x0b\x0b").count(), 1);
    }
}

package load

// The people of the demo network and what they say. All of it is made up.

// demoPerson is an account. The first two are those a visitor signs in as.
type demoPerson struct {
	handle, name, bio, location, url string
	days                             int     // age of the account
	fame                             float64 // how likely others follow it
	header                           bool
}

func demoPeople() []demoPerson {
	return []demoPerson{
		{"mira", "Mira Solheim", "Sails a small boat badly and writes about it well. Charts, knots, coffee. #sailing", "Bergen, Norway", "https://example.org/mira", 410, 9, true},
		{"tomasz", "Tomasz Wilk", "Baker. Up at three so that you need not be. Rye is a personality.", "Kraków, Poland", "https://example.org/wilk", 388, 8, true},
		{"ada_builds", "Ada Okonkwo", "I make databases boring. Durable first, fast second, clever never.", "Lagos → Lisbon", "https://example.org/ada", 702, 10, true},
		{"jun_sky", "林 純 Jun Hayashi", "天文台の夜勤。星とコーヒー。 Night shift at a small observatory.", "長野", "", 533, 9, true},
		{"birdline", "The Bird Line", "What is flying over today, from forty volunteers and one very patient owl.", "Wadden Sea", "https://example.org/birds", 820, 12, true},
		{"leontine", "Leontine Vermeer", "Trams, bridges, bad weather. I draw the city before it moves.", "Rotterdam", "", 299, 6, true},
		{"nightbus", "Night Bus 42", "Overheard between midnight and five. Names changed, hearts not.", "the back seat", "", 365, 11, false},
		{"prof_quark", "Prof. Ines Duarte", "Particle physics, slowly. My cat is alive and I checked.", "Coimbra, Portugal", "https://example.org/duarte", 640, 8, true},
		{"gustav_g", "Gustav Grön", "Allotment no. 17. Tomatoes, compost, opinions on slugs.", "Malmö", "", 210, 4, true},
		{"yara_runs", "Yara Haddad", "Marathon number five or divorce number one, we will see.", "Beirut", "", 177, 4, false},
		{"oldmaps", "Old Maps Daily", "A coastline a day keeps the certainty away.", "here be dragons", "https://example.org/maps", 512, 9, true},
		{"kofi_keys", "Kofi Mensah", "Piano tuner. Yes, it can be saved. No, not by WD-40.", "Accra", "", 255, 5, false},
		{"suelin", "Su-Lin Teo", "Noodles, notebooks, night markets. 吃飽了沒？", "Penang", "", 301, 6, true},
		{"hamish_h", "Hamish Hay", "Keeper of a lighthouse that keeps itself. Retired, allegedly.", "Orkney", "", 467, 7, true},
		{"rosa_code", "Rosa Lindqvist", "Compilers by day, sourdough by accident.", "Göteborg", "https://example.org/rosa", 390, 7, false},
		{"pavel_o", "Pavel Orlov", "Chess, slowly. Trains, even more slowly.", "Brno", "", 144, 3, false},
		{"amina_d", "Amina Diallo", "Architecture of shade. Buildings should apologise to trees.", "Dakar", "https://example.org/amina", 276, 6, true},
		{"teaandrain", "Nell Ashworth", "Walks, weather, a dog called Biscuit who is not on here.", "Hebden Bridge", "", 333, 5, true},
		{"carlo_b", "Carlo Bianchi", "Bicycle mechanic. Your chain is dry. I can hear it from here.", "Bologna", "", 198, 5, false},
		{"minh_anh", "Minh Anh Trần", "Marine biologist. Seagrass is the main character.", "Nha Trang", "", 421, 6, true},
		{"zoefiddle", "Zoë Brennan", "Fiddle, sessions, tunes nobody can name.", "Galway", "", 231, 5, false},
		{"doc_emil", "Emil Sørensen", "GP on an island with 900 people and 900 opinions.", "Samsø", "", 160, 4, false},
		{"lucia_mx", "Lucía Herrera", "Traduzco libros y discuto con las comas.", "Oaxaca", "", 287, 6, true},
		{"arjun_p", "Arjun Pillai", "Cricket, clouds, commutes. Amateur meteorologist, professional commuter.", "Kochi", "", 205, 5, false},
		{"bookbarge", "The Book Barge", "A floating second-hand bookshop. Currently moored wherever the lock keeper likes us.", "Canal du Midi", "https://example.org/barge", 605, 10, true},
		{"ferro", "Ferro Nakamura", "Blacksmith, knives, patience. The metal tells you.", "Seki", "", 189, 4, false},
		{"dina_k", "Dina Katz", "Radio producer. I collect the sounds of doors.", "Haifa", "", 322, 5, false},
		{"olu_paints", "Olu Adeyemi", "Watercolour. Mostly water.", "Ibadan", "", 154, 5, true},
		{"greta_gram", "Greta Hofer", "Mountain rescue, off duty. Turn back sooner.", "Innsbruck", "", 402, 7, true},
		{"smallmoons", "Small Moons", "A bot with a heart: one moon of the solar system every few hours.", "orbit", "https://example.org/moons", 744, 9, false},
	}
}

// demoPhoto is a picture to draw: its scene, as photo.Landscape numbers them,
// and its alt text.
type demoPhoto struct {
	scene uint64
	alt   string
}

const (
	sunsetLake = iota
	clearMorning
	moonlight
	northernLights
	desert
	mistyWoods
	cityNight
	duskIslands
	greenHills
	landscapeScenes // how many there are
)

// demoTweet is a tweet, a reply (to), or a quote (of). The names join them.
type demoTweet struct {
	name, by string
	hours    float64 // before now
	to, of   string
	text     string
	photos   []demoPhoto
	poll     []string
	place    string
	warning  string
	charm    float64 // how likely others like it
}

func demoTweets() []demoTweet {
	return []demoTweet{
		{by: "hamish_h", hours: 165, text: "Forty years I told the sea to mind its manners. It never once wrote back. #sea", charm: 6},
		{by: "gustav_g", hours: 163, text: "The slugs have formed a committee. I have formed a wall of broken eggshells. Diplomacy is over.", charm: 4},
		{name: "map1", by: "oldmaps", hours: 160, text: "1562: the cartographer ran out of coast and drew a whale instead. Honestly, same. 🐋", photos: []demoPhoto{{duskIslands, "A low island fading into a violet dusk"}}, charm: 8},
		{by: "yara_runs", hours: 158.5, to: "map1", text: "@oldmaps this is how I pace a marathon", charm: 3},
		{by: "leontine", hours: 155, text: "Drew tram 7 this morning. It left before the pencil did. Twelve seconds of tram, then a very good drawing of rails.", charm: 5},
		{name: "rye", by: "tomasz", hours: 150, text: "A rye starter is a pet that forgives you. Feed it twice a day, and after a week it feeds you back. #baking", charm: 7},
		{by: "rosa_code", hours: 149.4, to: "rye", text: "@tomasz mine has achieved sentience and wants to be called Gerald", charm: 5},
		{name: "gerald", by: "tomasz", hours: 149.1, to: "rye", text: "@rosa_code Gerald needs 24 °C and fewer meetings.", charm: 6},
		{by: "rosa_code", hours: 148.8, to: "gerald", text: "@tomasz don't we all", charm: 3},
		{by: "minh_anh", hours: 146, text: "Counted 1,204 seedlings of Enhalus today on a bank that was bare sand in spring. Seagrass does not give speeches. It just comes back. 🌱 #ocean", photos: []demoPhoto{{clearMorning, "Clear blue water, white cliffs behind it"}}, place: "Nha Trang", charm: 9},
		{by: "kofi_keys", hours: 143, text: "Found inside a piano today: three pencils, one love letter (1974), half a biscuit. The A above middle C was the biscuit.", charm: 9},
		{by: "smallmoons", hours: 140, text: "Hyperion (Saturn). Tumbles so chaotically that nobody can say which way it will face next month. Relatable. #moons", charm: 6},
		{name: "disk", by: "ada_builds", hours: 138, text: "Friendly reminder: \"the write succeeded\" and \"the write reached the disk\" are two sentences, and somebody's wedding photos live between them. #databases", charm: 9},
		{by: "prof_quark", hours: 137.5, to: "disk", text: "@ada_builds in my field we call that a superposition and get a grant for it", charm: 7},
		{by: "ada_builds", hours: 137.2, to: "disk", text: "@prof_quark in mine we call it Monday", charm: 8},
		{by: "suelin", hours: 134, text: "今晚的夜市：蠔煎、炒粿條、還有一個賣傘的阿伯說明天會下雨。信他。 #penang", place: "Penang", charm: 5},
		{by: "carlo_b", hours: 130, text: "A customer said the bike \"makes a small noise\". Reader, it was a sparrow's nest in the basket. Four eggs. The bike is now on holiday until June.", charm: 9},
		{by: "birdline", hours: 127, text: "06:10, first bar-tailed godwits over the dyke, about 300, high and in a hurry. They have come from West Africa and will stop for lunch. #birds", photos: []demoPhoto{{duskIslands, "A wide pink sky over flat water, the sun just up"}}, charm: 8},
		{by: "teaandrain", hours: 125, text: "Rain in four tenses today. #weather", charm: 4},
		{by: "amina_d", hours: 121, text: "The cheapest air conditioning ever designed is a wall that is in the right place at three in the afternoon.", photos: []demoPhoto{{desert, "Sandstone and dunes under a white sun"}}, charm: 7},
		{name: "comma", by: "lucia_mx", hours: 118, text: "Hoy he quitado una coma, la he vuelto a poner, y he llamado a eso una jornada de trabajo.", charm: 7},
		{by: "bookbarge", hours: 117.6, to: "comma", text: "@lucia_mx we moved one shelf, moved it back and closed early. Solidarity.", charm: 4},
		{by: "nightbus", hours: 114, text: "\"I'm not lost, I'm previewing the neighbourhood.\" — 02:41, upper deck", charm: 10},
		{by: "zoefiddle", hours: 110, text: "Learned a lovely reel tonight. Nobody knows the name. The man who taught it called it \"the other one\". So: The Other One, in D. 🎻", place: "Galway", charm: 6},
		{by: "doc_emil", hours: 107, text: "Prescription of the day: one (1) walk to the harbour, twice daily, with somebody you like.", charm: 8},
		{name: "saturn", by: "jun_sky", hours: 104, text: "今夜の土星の環はとても薄い。まるで誰かが鉛筆で一本線を引いただけのよう。🪐", photos: []demoPhoto{{moonlight, "A night sky full of stars above a dark lake"}}, charm: 9},
		{by: "smallmoons", hours: 103.5, to: "saturn", text: "@jun_sky my whole family lives near there", charm: 7},
		{by: "pavel_o", hours: 100, text: "Lost to an eight-year-old at the park. She said \"good game\" in the voice of a dentist. #chess", charm: 7},
		{by: "arjun_p", hours: 97, text: "Monsoon arrived on platform 2 at 17:05, eleven minutes late. First thing all week on that line to arrive with enthusiasm. #weather", place: "Kochi", charm: 6},
		{name: "reef1", by: "mira", hours: 94, text: "A short thread about the day I reefed too late. It begins, as these things do, with the words \"it's fine\". #sailing", photos: []demoPhoto{{clearMorning, "A bay with mountains, seen from the water, deceptively calm"}}, charm: 8},
		{name: "reef2", by: "mira", hours: 93.95, to: "reef1", text: "Wind at breakfast: 12 knots. Wind at eleven: 19, and the sea still polite. I made coffee. You can already hear the music change.", charm: 5},
		{name: "reef3", by: "mira", hours: 93.9, to: "reef2", text: "At 24 knots the coffee left. At 27 the cup followed it. I learned that a reef is put in when you first think of it, not when you first mean it.", charm: 6},
		{name: "reef4", by: "mira", hours: 93.85, to: "reef3", text: "Home by four, soaked, happy, one cup poorer. If you remember one thing: early is easy, late is a story. Fin.", charm: 9},
		{by: "hamish_h", hours: 93, to: "reef4", text: "@mira I have a shelf of cups the sea returned. Come and see if yours is among them.", charm: 8},
		{by: "greta_gram", hours: 92.6, to: "reef4", text: "@mira same rule in the mountains: turn back while it still feels silly.", charm: 7},
		{by: "ferro", hours: 90, text: "火は急がない。こちらが急ぐだけ。 The fire is never in a hurry. Only we are.", charm: 6},
		{by: "dina_k", hours: 87, text: "Door no. 312 in the archive: a synagogue in Acre, cedar, slightly swollen, speaks in B flat. Recording at dawn before the pigeons have their say.", charm: 6},
		{by: "olu_paints", hours: 84, text: "Rained on my painting of the rain. Improved it. Leaving it in.", photos: []demoPhoto{{mistyWoods, "Misty forest in layers of grey and green"}}, charm: 8},
		{name: "tabs", by: "rosa_code", hours: 80, text: "Settling this for good. Indentation:", poll: []string{"tabs", "spaces", "what the formatter says", "I live in one long line"}, charm: 5},
		{by: "ada_builds", hours: 79.7, to: "tabs", text: "@rosa_code gofmt took this decision from us and I have slept well ever since", charm: 7},
		{by: "prof_quark", hours: 79.1, to: "tabs", text: "@rosa_code Fortran sends its regards from column 7", charm: 7},
		{by: "gustav_g", hours: 76, text: "First tomato. It is the size of a marble and I have told everybody, including the tram driver. 🍅 #garden", charm: 7},
		{by: "bookbarge", hours: 73, text: "New rule aboard: if the book you want is on the top shelf and the boat is rocking, the boat has decided against it.", photos: []demoPhoto{{sunsetLake, "Still water between trees in evening light"}}, place: "Canal du Midi", charm: 8},
		{name: "map2", by: "oldmaps", hours: 70, text: "This harbour has moved three times in four hundred years. The pub has not. Draw your own conclusions.", photos: []demoPhoto{{duskIslands, "An inlet at dusk in faded colours"}}, charm: 8},
		{by: "leontine", hours: 69.5, of: "map2", text: "I will be drawing the pub.", charm: 5},
		{by: "minh_anh", hours: 66, text: "Khi thủy triều xuống, bãi biển kể chuyện. Hôm nay: một con sao biển, hai cái dép, không đôi nào giống nhau. #ocean", charm: 5},
		{by: "yara_runs", hours: 63, text: "ركضت اليوم عشرين كيلومتراً والبحر عن يميني طوال الطريق. لا أعرف من منا كان أبطأ. 🏃‍♀️", place: "Beirut", charm: 6},
		{by: "nightbus", hours: 60, text: "\"She said she needs space, so I gave her the window seat.\" — 01:17, row 6", charm: 10},
		{name: "eclipse", by: "jun_sky", hours: 57, text: "Clear sky forecast until Thursday. If you have binoculars: look for the smudge to the left of Cassiopeia. It left home 2.5 million years ago and it is right on time. #astronomy", photos: []demoPhoto{{northernLights, "Northern lights over a mountain ridge, stars behind"}}, charm: 10},
		{by: "arjun_p", hours: 56.5, to: "eclipse", text: "@jun_sky more punctual than platform 2", charm: 8},
		{by: "mira", hours: 56.2, to: "eclipse", text: "@jun_sky saw it from the cockpit at two in the morning, with no lamp for ten miles. Thank you for this. ✨", charm: 6},
		{by: "kofi_keys", hours: 53, text: "A piano is 230 strings and 18 tonnes of tension holding itself together in your living room out of pure politeness.", charm: 9},
		{by: "carlo_b", hours: 51, text: "Aggiornamento dal cestino: sono nati. Quattro. La bicicletta resta in ferie. 🐣", photos: []demoPhoto{{greenHills, "Morning light over green hills"}}, charm: 9},
		{name: "queue", by: "ada_builds", hours: 48, text: "There are two kinds of queues: bounded ones, and incidents. #databases", charm: 10},
		{by: "arjun_p", hours: 47.8, to: "queue", text: "@ada_builds you have seen our railway station", charm: 6},
		{by: "doc_emil", hours: 47.1, to: "queue", text: "@ada_builds or our waiting room", charm: 5},
		{by: "tomasz", hours: 44, text: "03:12. The street smells of caraway and the only other light is the night bus. Dobranoc, dzień dobry, whichever you are. #baking", photos: []demoPhoto{{cityNight, "A city at night with lit windows, mirrored in the river"}}, place: "Kraków", charm: 8},
		{by: "nightbus", hours: 43.6, text: "Somebody is baking on the corner of my second stop and for nine seconds the whole bus stops being tired.", charm: 9},
		{by: "suelin", hours: 40, text: "The noodle uncle has run out of prawns and would like you to know that this is a philosophical problem, not a logistical one. 🍜", charm: 6},
		{by: "teaandrain", hours: 38, text: "Biscuit met a heron today. They have agreed to say no more about it.", photos: []demoPhoto{{mistyWoods, "Pale woods in the morning mist"}}, place: "Hebden Bridge", charm: 8},
		{by: "birdline", hours: 36, text: "Spoonbills on the east flat: 41. Spoonbills looking dignified: 0. #birds", charm: 9},
		{by: "amina_d", hours: 34, text: "On a construit une école autour de l'arbre. Pas à côté. Autour. Les enfants appellent la cour « le salon du baobab ».", photos: []demoPhoto{{desert, "Warm bare hills under a clear sky"}}, place: "Dakar", charm: 9},
		{name: "bread", by: "greta_gram", hours: 32, text: "Question for people who live lower down: what do you take on a long walk?", poll: []string{"bread and cheese", "far too much water", "a map I cannot read", "a friend who can"}, charm: 5},
		{by: "oldmaps", hours: 31.7, to: "bread", text: "@greta_gram we feel option three personally", charm: 6},
		{by: "tomasz", hours: 31.2, to: "bread", text: "@greta_gram bread is not an option, bread is a right", charm: 7},
		{by: "lucia_mx", hours: 29, text: "La mejor reseña que me han hecho: «No noté que era una traducción». La guardo junto al pasaporte.", charm: 8},
		{by: "olu_paints", hours: 27, text: "Three washes of blue and one good decision. Watercolour is mostly knowing when to go and make tea.", photos: []demoPhoto{{moonlight, "Blue mountains by moonlight"}}, charm: 7},
		{by: "prof_quark", hours: 25, text: "Student: \"Is the universe infinite?\" Me: \"Nobody knows.\" Student: \"Is that on the exam?\" Me: \"The not knowing is.\"", charm: 10},
		{by: "smallmoons", hours: 22, text: "Daphnis (Saturn). 8 km across. Flies through a gap in the rings and makes waves taller than mountains. Small is not the same as unimportant. #moons", charm: 9},
		{by: "zoefiddle", hours: 20.5, text: "Update on The Other One: there are now three of them. 🎻🎻🎻", charm: 6},
		{by: "pavel_o", hours: 19, text: "Rematch with the eight-year-old on Saturday. I have bought a book. She has bought an ice cream. I fear the ice cream. #chess", charm: 8},
		{by: "dina_k", hours: 17.5, text: "דלת חדשה באוסף: מאפייה, ארבע בבוקר, פעמון קטן ומישהו ששורק.", charm: 5},
		{by: "ferro", hours: 16, text: "Sharpened a kitchen knife that three generations of one family have been afraid to touch. It was hungry.", photos: []demoPhoto{{sunsetLake, "Red evening light behind dark trees"}}, charm: 7},
		{by: "gustav_g", hours: 14, text: "Frost warning. I have put a blanket on the courgettes and read them the forecast. We are all very calm. #garden #weather", charm: 7},
		{name: "dawn", by: "mira", hours: 12, text: "Five in the morning, no wind, the whole fjord a mirror. The boat does not move and I have never been less late for anything. The sea is holding its breath. #sailing #sea", photos: []demoPhoto{{sunsetLake, "A fjord at dawn, hills mirrored in still water"}, {clearMorning, "The same fjord, an hour later, under a clear sky"}}, place: "Bergen", charm: 12},
		{by: "hamish_h", hours: 11.6, to: "dawn", text: "@mira that is her Sunday face. Do not trust it, but do enjoy it.", charm: 7},
		{by: "olu_paints", hours: 11, of: "dawn", text: "Painting this. Using mostly water, as the subject demands.", charm: 6},
		{by: "leontine", hours: 9.5, text: "City sketch rule no. 4: people do not stand still, but they do stand still in the same places.", photos: []demoPhoto{{cityNight, "A skyline at night, all windows lit"}}, place: "Rotterdam", charm: 7},
		{by: "arjun_p", hours: 8.2, text: "Cloud of the morning: cumulus humilis, a modest cloud. Good luck to all modest clouds. ☁️ #weather", charm: 6},
		{by: "suelin", hours: 7.1, text: "빗소리 들으면서 국수 한 그릇. 오늘은 이걸로 충분해.", charm: 5},
		{by: "carlo_b", hours: 6.3, text: "The first one flew today. Landed on a touring bike, looked at the chain, and left. It knows. 🚲", charm: 11},
		{by: "birdline", hours: 5.4, text: "To everyone who asks how to start with birds: stand still for ten minutes near a hedge. That is the whole course. https://example.org/birds #birds", charm: 9},
		{by: "nightbus", hours: 4.6, text: "\"Do you ever think the moon is just keeping us company?\" — 03:58, driver, to nobody", charm: 12},
		{by: "smallmoons", hours: 4.2, text: "The Moon (Earth). Keeps us company. #moons", charm: 12},
		{by: "doc_emil", hours: 3.4, text: "En patient kom bare for at sige, at det virkede. Turen til havnen, altså. Jeg har skrevet det i journalen med stort.", charm: 7},
		{name: "release", by: "rosa_code", hours: 2.8, text: "Shipped it. 4,000 lines deleted, 900 added, all tests green, Gerald has doubled in size. 🎉 #code", charm: 9},
		{by: "ada_builds", hours: 2.6, to: "release", text: "@rosa_code a negative diff is the highest form of flattery", charm: 8},
		{by: "bookbarge", hours: 2.1, text: "Mooring here till Friday: under the plane trees, past the second lock, follow the smell of old paper and new coffee. ☕📚", photos: []demoPhoto{{greenHills, "Green country with trees in the afternoon"}}, charm: 8},
		{by: "jun_sky", hours: 1.6, text: "夜明け前、金星。おはようございます。☀️ #astronomy", photos: []demoPhoto{{duskIslands, "A bright horizon before sunrise"}}, charm: 8},
		{by: "teaandrain", hours: 1.1, text: "Sun! Actual sun! Biscuit has asked what it is for.", charm: 8},
		{by: "greta_gram", hours: 0.8, text: "Everyone down, everyone fine, everyone slightly embarrassed. The best kind of evening. 🏔️", photos: []demoPhoto{{clearMorning, "High peaks with fresh snow"}}, place: "Innsbruck", charm: 10},
		{name: "lastrye", by: "tomasz", hours: 0.5, text: "Last rye of the day goes to whoever can tell me its name. (Its name is always Gerald now. Thanks, @rosa_code.) #baking", charm: 9},
		{by: "rosa_code", hours: 0.3, to: "lastrye", text: "@tomasz he would have wanted it this way 🍞", charm: 7},
		{by: "mira", hours: 0.1, text: "Wind back at last, out of the north-west, steady as a good friend. Casting off. Somebody keep the sea warm for me. ⛵ #sea", charm: 9},
	}
}

// demoRetweets are who retweeted what.
func demoRetweets() [][2]string {
	return [][2]string{
		{"hamish_h", "reef1"}, {"rosa_code", "queue"}, {"smallmoons", "saturn"}, {"teaandrain", "dawn"},
	}
}
